-- The rentals are read once for brands and vehicle types: the rows of a type are sums of these, with united sets of vehicles.
select
    vehicle_type,
    brand,
    count(*) as rentals,
    sum(total_amount) as revenue,
    max(total_amount) as max_amount,
    min(total_amount) as min_amount,
    sum(seconds) as seconds,
    max(seconds) as max_seconds,
    min(seconds) as min_seconds,
    unique_set(vehicle_id) as vehicles
from (
    select
        vehicle_type,
        brand,
        vehicle_id,
        total_amount,
        seconds_between(rental_start_time, rental_end_time) as seconds
    from rental_facts
) as rentals
group by vehicle_type, brand
