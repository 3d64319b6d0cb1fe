select
    brand,
    vehicle_type,
    rentals as total_rentals,
    revenue as total_revenue,
    ratio(revenue, rentals, 4) as avg_rental_amount,
    set_size(vehicles) as unique_vehicles
from brand_totals
