with pickups as (
    select
        pickup_location as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue,
        max(total_amount) as max_amount,
        min(total_amount) as min_amount,
        sum(seconds_between(rental_start_time, rental_end_time)) as seconds
    from rental_facts
    group by pickup_location
),

dropoffs as (
    select
        dropoff_location as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue
    from rental_facts
    group by dropoff_location
),

-- Each vehicle once for each location that saw it: counting these rows is cheaper than three distinct counts.
vehicles_seen as (
    select location_id, vehicle_id, max(picked_up) as picked_up, max(dropped_off) as dropped_off
    from (
        select pickup_location as location_id, vehicle_id, 1 as picked_up, 0 as dropped_off from rental_facts
        union all
        select dropoff_location as location_id, vehicle_id, 0 as picked_up, 1 as dropped_off from rental_facts
    ) as visits
    group by location_id, vehicle_id
),

vehicles as (
    select
        location_id,
        sum(picked_up) as picked_up,
        sum(dropped_off) as dropped_off,
        count(*) as seen
    from vehicles_seen
    group by location_id
),

activity as (
    select
        vehicles.location_id,
        coalesce(pickups.rentals, 0) as pickups,
        coalesce(dropoffs.rentals, 0) as dropoffs,
        coalesce(pickups.revenue, 0) as pickup_revenue,
        coalesce(dropoffs.revenue, 0) as dropoff_revenue,
        pickups.max_amount,
        pickups.min_amount,
        coalesce(pickups.seconds, 0) as seconds,
        vehicles.picked_up,
        vehicles.dropped_off,
        vehicles.seen
    from vehicles
    left join pickups on pickups.location_id = vehicles.location_id
    left join dropoffs on dropoffs.location_id = vehicles.location_id
)

-- A full join: every location has its row, and a rental at a location without a name is not lost.
select
    coalesce(locations.location_id, activity.location_id) as location_id,
    locations.location_name,
    locations.city,
    locations.state,
    coalesce(activity.pickups, 0) as total_pickups,
    coalesce(activity.dropoffs, 0) as total_dropoffs,
    coalesce(activity.pickup_revenue, 0) as pickup_revenue,
    coalesce(activity.dropoff_revenue, 0) as dropoff_revenue,
    coalesce(activity.pickup_revenue, 0) as total_revenue,
    ratio(activity.pickup_revenue, activity.pickups, 4) as avg_transaction_amount,
    activity.max_amount as max_transaction_amount,
    activity.min_amount as min_transaction_amount,
    coalesce(activity.picked_up, 0) as unique_vehicles_picked_up,
    coalesce(activity.dropped_off, 0) as unique_vehicles_dropped_off,
    coalesce(activity.seen, 0) as total_unique_vehicles,
    ratio(coalesce(activity.seconds, 0), 3600, 4) as total_rental_hours
from locations
full join activity on activity.location_id = locations.location_id
