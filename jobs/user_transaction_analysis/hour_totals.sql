-- One row for each hour of each day in which a rental starts: hours and weekdays are sums of these.
select
    rental_date,
    cast(date_part('hour', rental_start_time) as int) as hour_of_day,
    count(*) as rentals,
    sum(total_amount) as revenue
from rental_facts
group by rental_date, cast(date_part('hour', rental_start_time) as int)
