-- Twice grouped: a vehicle whose brand was changed between two rentals is still one vehicle of its type.
with vehicles as (
    select
        vehicle_type,
        vehicle_id,
        sum(rentals) as rentals,
        sum(revenue) as revenue,
        max(max_amount) as max_amount,
        min(min_amount) as min_amount,
        sum(seconds) as seconds,
        max(max_seconds) as max_seconds,
        min(min_seconds) as min_seconds
    from vehicle_totals
    group by vehicle_type, vehicle_id
)

select
    vehicle_type,
    sum(rentals) as total_rentals,
    sum(revenue) as total_revenue,
    ratio(sum(revenue), sum(rentals), 4) as avg_rental_amount,
    max(max_amount) as max_rental_amount,
    min(min_amount) as min_rental_amount,
    ratio(sum(seconds), 3600 * sum(rentals), 4) as avg_rental_duration_hours,
    ratio(max(max_seconds), 3600, 4) as max_rental_duration_hours,
    ratio(min(min_seconds), 3600, 4) as min_rental_duration_hours,
    ratio(sum(seconds), 3600, 4) as total_rental_hours,
    count(*) as unique_vehicles
from vehicles
group by vehicle_type
