select
    hour_of_day,
    sum(rentals) as total_transactions,
    sum(revenue) as total_revenue,
    ratio(sum(revenue), sum(rentals), 4) as avg_transaction_amount
from hour_totals
group by hour_of_day
