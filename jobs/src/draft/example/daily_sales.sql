select
    orders.shop_id,
    shops.city,
    count(*) as orders,
    count(*) filter (where orders.paid) as paid_orders,
    sum(orders.amount) as revenue,
    -- Exact: the average is rounded once, half up.
    ratio(sum(orders.amount), count(*), 4) as avg_amount,
    cast(orders.ordered_at as date) as day
from orders
left join shops on shops.shop_id = orders.shop_id
group by orders.shop_id, shops.city, cast(orders.ordered_at as date)
