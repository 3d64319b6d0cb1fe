with totals as (
    select
        user_id,
        count(*) as rentals,
        sum(total_amount) as spent,
        max(total_amount) as max_amount,
        min(total_amount) as min_amount,
        sum(seconds_between(rental_start_time, rental_end_time)) as seconds,
        min(rental_date) as first_rental_date,
        max(rental_date) as last_rental_date
    from rental_facts
    group by user_id
),

-- Grouped twice, for one distinct count a user is slow and holds a set for each.
vehicles as (
    select user_id, count(*) as vehicles
    from (select user_id, vehicle_id from rental_facts group by user_id, vehicle_id) as pairs
    group by user_id
)

select totals.*, vehicles.vehicles
from totals
join vehicles on vehicles.user_id = totals.user_id
