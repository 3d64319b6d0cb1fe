with pickups as (
    select
        pickup_location as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue,
        max(total_amount) as max_amount,
        min(total_amount) as min_amount,
        sum(seconds_between(rental_start_time, rental_end_time)) as seconds,
        count_unique(vehicle_id) as vehicles
    from rental_facts
    group by pickup_location
),

dropoffs as (
    select
        dropoff_location as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue,
        count_unique(vehicle_id) as vehicles
    from rental_facts
    group by dropoff_location
),

-- Each location at which a rental began or ended, and the vehicles that it saw, each once.
seen as (
    select location_id, count_unique(vehicle_id) as vehicles
    from (
        select pickup_location as location_id, vehicle_id from rental_facts
        union all
        select dropoff_location as location_id, vehicle_id from rental_facts
    ) as visits
    group by location_id
)

-- A full join: every location has its row, and a rental at a location without a name is not lost.
select
    coalesce(locations.location_id, seen.location_id) as location_id,
    locations.location_name,
    locations.city,
    locations.state,
    coalesce(pickups.rentals, 0) as total_pickups,
    coalesce(dropoffs.rentals, 0) as total_dropoffs,
    coalesce(pickups.revenue, 0) as pickup_revenue,
    coalesce(dropoffs.revenue, 0) as dropoff_revenue,
    coalesce(pickups.revenue, 0) as total_revenue,
    ratio(pickups.revenue, pickups.rentals, 4) as avg_transaction_amount,
    pickups.max_amount as max_transaction_amount,
    pickups.min_amount as min_transaction_amount,
    coalesce(pickups.vehicles, 0) as unique_vehicles_picked_up,
    coalesce(dropoffs.vehicles, 0) as unique_vehicles_dropped_off,
    coalesce(seen.vehicles, 0) as total_unique_vehicles,
    ratio(coalesce(pickups.seconds, 0), 3600, 4) as total_rental_hours
from locations
full join seen on seen.location_id = locations.location_id
left join pickups on pickups.location_id = seen.location_id
left join dropoffs on dropoffs.location_id = seen.location_id
