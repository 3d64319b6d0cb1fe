-- Left joins, so that no rental is lost whatever the severity of a reference is.
with priced as (
    select
        *,
        case vehicle_type when 'basic' then 10 when 'premium' then 20 when 'high_end' then 50 end as price_of_an_hour
    from vehicles
)

select
    rental.rental_id,
    rental.user_id,
    rental.vehicle_id,
    rental.rental_start_time,
    rental.rental_end_time,
    rental.pickup_location,
    rental.dropoff_location,
    rental.total_amount,
    ratio(seconds_between(rental.rental_start_time, rental.rental_end_time), 3600, 4) as rental_hours,
    priced.vehicle_type,
    priced.brand,
    pickup.city as pickup_city,
    pickup.state as pickup_state,
    dropoff.city as dropoff_city,
    dropoff.state as dropoff_state,
    users.is_active as user_is_active,
    coalesce(date_of(rental.rental_start_time) < users.creation_date, false) as starts_before_signup,
    coalesce(not users.is_active, false) as by_inactive_user,
    -- The price of the exact duration, rounded once, so that fractions of an hour are not reported.
    coalesce(
        rental.total_amount <> ratio(
            seconds_between(rental.rental_start_time, rental.rental_end_time) * priced.price_of_an_hour,
            3600,
            2
        ),
        false
    ) as off_price_rule,
    date_of(rental.rental_start_time) as rental_date
from rental_transactions as rental
left join priced on priced.vehicle_id = rental.vehicle_id
left join users on users.user_id = rental.user_id
left join locations as pickup on pickup.location_id = rental.pickup_location
left join locations as dropoff on dropoff.location_id = rental.dropoff_location
