with days as (
    select
        -- `dow` is 0 on Sunday.
        case date_part('dow', rental_date) when 0 then 7 else date_part('dow', rental_date) end as day_order,
        rentals,
        revenue
    from hour_totals
)

select
    case day_order
        when 1 then 'Monday'
        when 2 then 'Tuesday'
        when 3 then 'Wednesday'
        when 4 then 'Thursday'
        when 5 then 'Friday'
        when 6 then 'Saturday'
        when 7 then 'Sunday'
    end as day_of_week,
    day_order,
    sum(rentals) as total_transactions,
    sum(revenue) as total_revenue,
    ratio(sum(revenue), sum(rentals), 4) as avg_transaction_amount
from days
group by day_order
