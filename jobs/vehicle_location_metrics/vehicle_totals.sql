-- One row for each vehicle (and for each type and brand under which it was rented): few enough to hold, and all that the
-- metrics by type and by brand need. Counting its rows counts distinct vehicles.
select
    vehicle_type,
    brand,
    vehicle_id,
    count(*) as rentals,
    sum(total_amount) as revenue,
    max(total_amount) as max_amount,
    min(total_amount) as min_amount,
    sum(seconds_between(rental_start_time, rental_end_time)) as seconds,
    max(seconds_between(rental_start_time, rental_end_time)) as max_seconds,
    min(seconds_between(rental_start_time, rental_end_time)) as min_seconds
from rental_facts
group by vehicle_type, brand, vehicle_id
