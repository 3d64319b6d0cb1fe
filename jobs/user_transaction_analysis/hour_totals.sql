-- One row per day and hour in which a rental starts. The hours and the days of the week are sums of these rows.
select
    rental_date,
    cast(date_part('hour', rental_start_time) as int) as hour_of_day,
    count(*) as rentals,
    sum(total_amount) as revenue
from rental_facts
group by rental_date, cast(date_part('hour', rental_start_time) as int)
