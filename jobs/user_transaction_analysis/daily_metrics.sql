select
    rental_date,
    count(*) as total_transactions,
    sum(total_amount) as total_revenue,
    ratio(sum(total_amount), count(*), 4) as avg_transaction_amount,
    max(total_amount) as max_transaction_amount,
    min(total_amount) as min_transaction_amount,
    count_unique(user_id) as unique_users,
    count_unique(vehicle_id) as unique_vehicles,
    to_char(rental_date, '%Y-%m') as rental_month
from rental_facts
group by rental_date
