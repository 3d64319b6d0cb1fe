with ranked as (
    select
        user_totals.*,
        rank() over (order by spent) - 1 as spend_less
    from user_totals
),

-- `percent_rank` looks at all rows for each row; the rank and the number of users give the same.
placed as (
    select
        ranked.*,
        coalesce(ratio(100 * spend_less, population.users - 1, 2), 0) as percentile
    from ranked
    cross join (select count(*) as users from user_totals) as population
)

select
    placed.user_id,
    rentals as total_rentals,
    spent as total_spent,
    ratio(spent, rentals, 4) as avg_rental_amount,
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
    percentile as spending_percentile,
    case
        when percentile >= 90 then 'Top Spender'
        when percentile >= 75 then 'High'
        when percentile >= 50 then 'Medium'
        when percentile >= 25 then 'Low'
        else 'Occasional'
    end as spending_category
from placed
left join users on users.user_id = placed.user_id
