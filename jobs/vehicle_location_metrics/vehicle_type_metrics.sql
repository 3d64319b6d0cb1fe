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
    count_unique(vehicles) as unique_vehicles
from brand_totals
group by vehicle_type
