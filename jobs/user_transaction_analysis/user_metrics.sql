-- Amounts are ranked instead of users: users who spend the same have the same rank, there are far fewer amounts than users, and
-- `percent_rank` would sort all users.
with amounts as (
    select
        spent,
        count(*) as users
    from user_totals
    group by spent
),

ranked as (
    select
        spent,
        coalesce(sum(users) over (order by spent rows between unbounded preceding and 1 preceding), 0) as spend_less,
        sum(users) over () as users
    from amounts
),

percentiles as (
    select
        spent,
        coalesce(ratio(100 * spend_less, users - 1, 2), 0) as percentile
    from ranked
),

categories as (
    select
        spent,
        percentile,
        case
            when percentile >= 90 then 'Top Spender'
            when percentile >= 75 then 'High'
            when percentile >= 50 then 'Medium'
            when percentile >= 25 then 'Low'
            else 'Occasional'
        end as category
    from percentiles
)

select
    user_totals.user_id,
    rentals as total_rentals,
    user_totals.spent as total_spent,
    ratio(user_totals.spent, rentals, 4) as avg_rental_amount,
    max_amount as max_rental_amount,
    min_amount as min_rental_amount,
    ratio(seconds, 3600 * rentals, 4) as avg_rental_duration_hours,
    ratio(seconds, 3600, 4) as total_rental_hours,
    vehicles as unique_vehicles_rented,
    users.first_name,
    users.last_name,
    users.email,
    users.is_active,
    first_rental_date,
    last_rental_date,
    categories.percentile as spending_percentile,
    categories.category as spending_category
from user_totals
left join categories on categories.spent = user_totals.spent
left join users on users.user_id = user_totals.user_id
