select
    vehicle_type,
    count(*) as total_rentals,
    sum(total_amount) as total_revenue,
    ratio(sum(total_amount), count(*), 4) as avg_rental_amount,
    max(total_amount) as max_rental_amount,
    min(total_amount) as min_rental_amount,
    ratio(sum(seconds), 3600 * count(*), 4) as avg_rental_duration_hours,
    ratio(max(seconds), 3600, 4) as max_rental_duration_hours,
    ratio(min(seconds), 3600, 4) as min_rental_duration_hours,
    ratio(sum(seconds), 3600, 4) as total_rental_hours,
    count_unique(vehicle_id) as unique_vehicles
from (
    select
        vehicle_type,
        vehicle_id,
        total_amount,
        seconds_between(rental_start_time, rental_end_time) as seconds
    from rental_facts
) as rentals
group by vehicle_type
