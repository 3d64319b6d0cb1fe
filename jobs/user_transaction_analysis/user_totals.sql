select
    user_id,
    count(*) as rentals,
    sum(total_amount) as spent,
    max(total_amount) as max_amount,
    min(total_amount) as min_amount,
    sum(seconds_between(rental_start_time, rental_end_time)) as seconds,
    min(rental_date) as first_rental_date,
    max(rental_date) as last_rental_date,
    count_unique(vehicle_id) as vehicles
from rental_facts
group by user_id
