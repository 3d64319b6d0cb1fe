select
    brand,
    vehicle_type,
    count(*) as total_rentals,
    sum(total_amount) as total_revenue,
    ratio(sum(total_amount), count(*), 4) as avg_rental_amount,
    count_unique(vehicle_id) as unique_vehicles
from rental_facts
group by brand, vehicle_type
