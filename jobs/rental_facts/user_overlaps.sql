-- Rentals of one user that start before an earlier one has ended.
select user_id, rental_id, rental_start_time, busy_until
from (
    select
        user_id,
        rental_id,
        rental_start_time,
        max(rental_end_time) over (
            partition by user_id
            order by rental_start_time, rental_id
            rows between unbounded preceding and 1 preceding
        ) as busy_until
    from rental_facts
) as rentals
where rental_start_time < busy_until
