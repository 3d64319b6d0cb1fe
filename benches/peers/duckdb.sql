-- The bundled pipeline in DuckDB's dialect, as fast as it could be made: the peer that a release is measured against.
-- A line `-- stage:` begins a stage that is timed on its own; $raw and $out are the folders.

-- stage: read
create temp table locations as
select * from read_csv('$raw/locations/*.csv', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {
        'location_id': 'INTEGER', 'location_name': 'VARCHAR', 'address': 'VARCHAR', 'city': 'VARCHAR', 'state': 'VARCHAR',
        'zip_code': 'VARCHAR', 'latitude': 'DOUBLE', 'longitude': 'DOUBLE'
    });

create temp table users as
select * from read_csv('$raw/users/*.csv', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {
        'user_id': 'VARCHAR', 'first_name': 'VARCHAR', 'last_name': 'VARCHAR', 'email': 'VARCHAR', 'phone_number': 'VARCHAR',
        'driver_license_number': 'VARCHAR', 'driver_license_expiry': 'DATE', 'creation_date': 'DATE', 'is_active': 'BOOLEAN'
    });

-- One read takes one date format, so the two columns that have the day first are parsed apart.
create temp table vehicles as
select * replace (
    strptime(expiration_date, '%d-%m-%Y')::date as expiration_date,
    strptime(last_update_timestamp, '%d-%m-%Y %H:%M:%S') as last_update_timestamp
)
from read_csv('$raw/vehicles/*.csv', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {
        'active': 'BOOLEAN', 'vehicle_license_number': 'VARCHAR', 'registration_name': 'VARCHAR', 'license_type': 'VARCHAR',
        'expiration_date': 'VARCHAR', 'permit_license_number': 'VARCHAR', 'certification_date': 'DATE', 'vehicle_year': 'INTEGER',
        'base_telephone_number': 'VARCHAR', 'base_address': 'VARCHAR', 'vehicle_id': 'VARCHAR', 'last_update_timestamp': 'VARCHAR',
        'brand': 'VARCHAR', 'vehicle_type': 'VARCHAR'
    });

-- A city, a brand or a type as a number of few bits: it is grouped, partitioned and written in half the time of a text.
create type city as enum (select distinct city from locations where city is not null);
create type state as enum (select distinct state from locations where state is not null);
create type brand as enum (select distinct brand from vehicles where brand is not null);
create type vehicle_type as enum (select distinct vehicle_type from vehicles where vehicle_type is not null);
alter table locations alter city type city;
alter table locations alter state type state;
alter table vehicles alter brand type brand;
alter table vehicles alter vehicle_type type vehicle_type;

set variable users = (select count(*) from users);
set variable vehicles = (select count(*) from vehicles);

-- Whole numbers divided and rounded half up, as a decimal of four places.
create temp macro ratio(numerator, denominator) as
    ((((numerator)::hugeint * 20000 + (denominator)) // (2 * (denominator)))::decimal(22, 0) * 0.0001::decimal(5, 4))::decimal(18, 4);

-- stage: join
-- The reader of text expects some forty rows and would build the hash tables on the rentals: the order below must stand.
set disabled_optimizers = 'join_order,build_side_probe_side';

-- Rows of users and vehicles go along as numbers: counting them apart takes a bit each.
create temp table facts as
select
    rental_id, rental.user_id, rental.vehicle_id, rental_start_time, rental_end_time, pickup_location, dropoff_location,
    total_amount,
    (((seconds * 50 + 9) // 18)::decimal(18, 0) * 0.0001::decimal(5, 4))::decimal(12, 4) as rental_hours,
    vehicle_type, brand,
    pickup.city as pickup_city, pickup.state as pickup_state, dropoff.city as dropoff_city, dropoff.state as dropoff_state,
    users.is_active as user_is_active,
    coalesce(rental_date < users.creation_date, false) as starts_before_signup,
    coalesce(not users.is_active, false) as by_inactive_user,
    coalesce(
        total_amount * 100
            <> (seconds * case vehicle_type when 'basic' then 10 when 'premium' then 20 when 'high_end' then 50 end * 200 + 3600)
                // 7200,
        false
    ) as off_price_rule,
    rental_date,
    seconds::integer as seconds,
    users.rowid::integer as user_row,
    vehicles.rowid::integer as vehicle_row
from (
    select
        *,
        rental_start_time::date as rental_date,
        (epoch_us(rental_end_time) - epoch_us(rental_start_time)) // 1000000 as seconds
    from read_csv('$raw/rental_transactions/*.csv', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
        columns = {
            'rental_id': 'VARCHAR', 'user_id': 'VARCHAR', 'vehicle_id': 'VARCHAR', 'rental_start_time': 'TIMESTAMP',
            'rental_end_time': 'TIMESTAMP', 'pickup_location': 'INTEGER', 'dropoff_location': 'INTEGER',
            'total_amount': 'DECIMAL(12,2)'
        })
) as rental
left join vehicles on vehicles.vehicle_id = rental.vehicle_id
left join users on users.user_id = rental.user_id
left join locations as pickup on pickup.location_id = pickup_location
left join locations as dropoff on dropoff.location_id = dropoff_location;

set disabled_optimizers = '';

-- stage: write rental_facts
-- A year of days is open at a time: with the default of 100, files are closed and begun again.
set partitioned_write_max_open_files = 1000;
copy (select * exclude (seconds, user_row, vehicle_row) from facts)
to '$out/rental_facts/rental_facts' (format parquet, compression snappy, partition_by (rental_date));

-- stage: location_metrics
copy (
    with pickups as (
        select
            pickup_location as location_id, count(*) as rentals, sum(total_amount) as revenue, max(total_amount) as max_amount,
            min(total_amount) as min_amount, sum(seconds) as seconds,
            bitstring_agg(vehicle_row, 0, getvariable('vehicles')) as vehicles
        from facts
        group by all
    ),
    dropoffs as (
        select
            dropoff_location as location_id, count(*) as rentals, sum(total_amount) as revenue,
            bitstring_agg(vehicle_row, 0, getvariable('vehicles')) as vehicles
        from facts
        group by all
    )
    select
        locations.location_id,
        location_name, city, state,
        coalesce(pickups.rentals, 0)::bigint as total_pickups,
        coalesce(dropoffs.rentals, 0)::bigint as total_dropoffs,
        coalesce(pickups.revenue, 0)::decimal(18, 2) as pickup_revenue,
        coalesce(dropoffs.revenue, 0)::decimal(18, 2) as dropoff_revenue,
        coalesce(pickups.revenue, 0)::decimal(18, 2) as total_revenue,
        ratio(pickups.revenue * 100, pickups.rentals * 100) as avg_transaction_amount,
        max_amount as max_transaction_amount,
        min_amount as min_transaction_amount,
        coalesce(bit_count(pickups.vehicles), 0)::bigint as unique_vehicles_picked_up,
        coalesce(bit_count(dropoffs.vehicles), 0)::bigint as unique_vehicles_dropped_off,
        coalesce(
            bit_count(pickups.vehicles | dropoffs.vehicles), bit_count(pickups.vehicles), bit_count(dropoffs.vehicles), 0
        )::bigint as total_unique_vehicles,
        ratio(coalesce(seconds, 0), 3600) as total_rental_hours
    from locations
    left join pickups on pickups.location_id = locations.location_id
    left join dropoffs on dropoffs.location_id = locations.location_id
) to '$out/vehicle_location_metrics/location_metrics/part.parquet' (format parquet, compression snappy);

-- stage: vehicle_type_metrics, brand_metrics
create temp table vehicle_totals as
with totals as (
    select
        vehicle_row, count(*) as rentals, sum(total_amount) as revenue, max(total_amount) as max_amount,
        min(total_amount) as min_amount, sum(seconds) as seconds, max(seconds) as max_seconds, min(seconds) as min_seconds
    from facts
    group by all
)
select vehicle_type, brand, totals.* from totals left join vehicles on vehicles.rowid = vehicle_row;

copy (
    select
        vehicle_type,
        sum(rentals)::bigint as total_rentals,
        sum(revenue)::decimal(18, 2) as total_revenue,
        ratio(sum(revenue) * 100, sum(rentals) * 100) as avg_rental_amount,
        max(max_amount) as max_rental_amount,
        min(min_amount) as min_rental_amount,
        ratio(sum(seconds), sum(rentals) * 3600) as avg_rental_duration_hours,
        ratio(max(max_seconds), 3600)::decimal(12, 4) as max_rental_duration_hours,
        ratio(min(min_seconds), 3600)::decimal(12, 4) as min_rental_duration_hours,
        ratio(sum(seconds), 3600) as total_rental_hours,
        count(vehicle_row) as unique_vehicles
    from vehicle_totals
    group by all
) to '$out/vehicle_location_metrics/vehicle_type_metrics/part.parquet' (format parquet, compression snappy);

copy (
    select
        brand, vehicle_type,
        sum(rentals)::bigint as total_rentals,
        sum(revenue)::decimal(18, 2) as total_revenue,
        ratio(sum(revenue) * 100, sum(rentals) * 100) as avg_rental_amount,
        count(vehicle_row) as unique_vehicles
    from vehicle_totals
    group by all
) to '$out/vehicle_location_metrics/brand_metrics/part.parquet' (format parquet, compression snappy);

-- stage: daily_metrics
copy (
    select
        rental_date,
        count(*) as total_transactions,
        sum(total_amount)::decimal(18, 2) as total_revenue,
        ratio(sum(total_amount) * 100, count(*) * 100) as avg_transaction_amount,
        max(total_amount) as max_transaction_amount,
        min(total_amount) as min_transaction_amount,
        coalesce(bit_count(bitstring_agg(user_row, 0, getvariable('users'))), 0)::bigint as unique_users,
        coalesce(bit_count(bitstring_agg(vehicle_row, 0, getvariable('vehicles'))), 0)::bigint as unique_vehicles,
        strftime(rental_date, '%Y-%m') as rental_month
    from facts
    group by rental_date
) to '$out/user_transaction_analysis/daily_metrics' (format parquet, compression snappy, partition_by (rental_month));

-- stage: user_metrics
copy (
    with totals as (
        select
            user_row, count(*) as rentals, sum(total_amount) as spent, max(total_amount) as max_amount,
            min(total_amount) as min_amount, sum(seconds) as seconds, min(rental_date) as first_date, max(rental_date) as last_date
        from facts
        group by all
    ),
    -- Two group-bys take less than one with a distinct count inside.
    vehicles as (
        select user_row, count(vehicle_row) as vehicles
        from (select distinct user_row, vehicle_row from facts)
        group by all
    ),
    placed as (
        select
            totals.*, vehicles.vehicles,
            coalesce(
                ((rank() over (order by spent) - 1) * 20000 + (count(*) over () - 1)) // nullif(2 * (count(*) over () - 1), 0), 0
            ) as hundredths
        from totals
        join vehicles on vehicles.user_row = totals.user_row
    )
    select
        users.user_id,
        rentals as total_rentals,
        spent::decimal(18, 2) as total_spent,
        ratio(spent * 100, rentals * 100) as avg_rental_amount,
        max_amount as max_rental_amount,
        min_amount as min_rental_amount,
        ratio(seconds, rentals * 3600) as avg_rental_duration_hours,
        ratio(seconds, 3600) as total_rental_hours,
        vehicles as unique_vehicles_rented,
        first_name, last_name, email, is_active,
        first_date as first_rental_date,
        last_date as last_rental_date,
        (hundredths::decimal(5, 0) * 0.01::decimal(3, 2))::decimal(5, 2) as spending_percentile,
        case
            when hundredths >= 9000 then 'Top Spender'
            when hundredths >= 7500 then 'High'
            when hundredths >= 5000 then 'Medium'
            when hundredths >= 2500 then 'Low'
            else 'Occasional'
        end as spending_category
    from placed
    join users on users.rowid = user_row
) to '$out/user_transaction_analysis/user_metrics/part.parquet' (format parquet, compression snappy);

-- stage: hourly_metrics, day_of_week_metrics
create temp table hour_totals as
select rental_date, hour(rental_start_time)::integer as hour_of_day, count(*) as rentals, sum(total_amount) as revenue
from facts
group by all;

copy (
    select
        hour_of_day,
        sum(rentals)::bigint as total_transactions,
        sum(revenue)::decimal(18, 2) as total_revenue,
        ratio(sum(revenue) * 100, sum(rentals) * 100) as avg_transaction_amount
    from hour_totals
    group by hour_of_day
) to '$out/user_transaction_analysis/hourly_metrics/part.parquet' (format parquet, compression snappy);

copy (
    select
        dayname(rental_date) as day_of_week,
        isodow(rental_date)::integer as day_order,
        sum(rentals)::bigint as total_transactions,
        sum(revenue)::decimal(18, 2) as total_revenue,
        ratio(sum(revenue) * 100, sum(rentals) * 100) as avg_transaction_amount
    from hour_totals
    group by all
) to '$out/user_transaction_analysis/day_of_week_metrics/part.parquet' (format parquet, compression snappy);
