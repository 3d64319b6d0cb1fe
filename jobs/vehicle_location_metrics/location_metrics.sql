with pickups as (
    select
        pickup_location as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue,
        max(total_amount) as max_amount,
        min(total_amount) as min_amount,
        sum(seconds_between(rental_start_time, rental_end_time)) as seconds,
        unique_set(vehicle_id) as vehicles
    from rental_facts
    group by pickup_location
),

dropoffs as (
    select
        dropoff_location as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue,
        unique_set(vehicle_id) as vehicles
    from rental_facts
    group by dropoff_location
)

-- Full joins, so that every location has a row and no rental at an unknown location is lost.
select
    coalesce(locations.location_id, pickups.location_id, dropoffs.location_id) as location_id,
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
    coalesce(set_size(pickups.vehicles), 0) as unique_vehicles_picked_up,
    coalesce(set_size(dropoffs.vehicles), 0) as unique_vehicles_dropped_off,
    coalesce(set_size(set_union(pickups.vehicles, dropoffs.vehicles)), 0) as total_unique_vehicles,
    ratio(coalesce(pickups.seconds, 0), 3600, 4) as total_rental_hours
from locations
full join pickups on pickups.location_id = locations.location_id
full join dropoffs on dropoffs.location_id = coalesce(locations.location_id, pickups.location_id)
