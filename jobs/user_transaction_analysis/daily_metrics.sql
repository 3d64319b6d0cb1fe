with days as (
    select
        rental_date,
        sum(rentals) as rentals,
        sum(revenue) as revenue,
        max(max_amount) as max_amount,
        min(min_amount) as min_amount
    from hour_totals
    group by rental_date
),

users as (
    select rental_date, count(*) as users
    from (select rental_date, user_id from rental_facts group by rental_date, user_id) as pairs
    group by rental_date
),

vehicles as (
    select rental_date, count(*) as vehicles
    from (select rental_date, vehicle_id from rental_facts group by rental_date, vehicle_id) as pairs
    group by rental_date
)

select
    days.rental_date,
    days.rentals as total_transactions,
    days.revenue as total_revenue,
    ratio(days.revenue, days.rentals, 4) as avg_transaction_amount,
    days.max_amount as max_transaction_amount,
    days.min_amount as min_transaction_amount,
    users.users as unique_users,
    vehicles.vehicles as unique_vehicles,
    to_char(days.rental_date, '%Y-%m') as rental_month
from days
join users on users.rental_date = days.rental_date
join vehicles on vehicles.rental_date = days.rental_date
