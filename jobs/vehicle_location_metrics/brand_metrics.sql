select
    brand,
    vehicle_type,
    sum(rentals) as total_rentals,
    sum(revenue) as total_revenue,
    ratio(sum(revenue), sum(rentals), 4) as avg_rental_amount,
    count(*) as unique_vehicles
from vehicle_totals
group by brand, vehicle_type
