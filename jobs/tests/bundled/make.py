"""Generates the raw files for the test of the bundled jobs and computes, without SQL, the tables that are expected from them.

Run it in its own folder: `python3 make.py`. All arithmetic is exact: fractions that are rounded once, half up.
"""

import csv
import datetime as dt
import random
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).parent
RATES = {"basic": 10, "premium": 20, "high_end": 50}


def half_up(value, digits):
    """A fraction as a decimal text, halves away from zero."""
    scaled = abs(value) * 10**digits
    units = scaled.numerator // scaled.denominator
    if (scaled - units) * 2 >= 1:
        units += 1
    return str((Decimal(units) / 10**digits * (-1 if value < 0 else 1)).quantize(Decimal(1).scaleb(-digits)))


def write(path, header, rows):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


def raw():
    chance = random.Random(3)
    hexadecimal = lambda: f"{chance.getrandbits(40):010x}"
    locations = [
        [1000 + at, f"Place {at}", f"{at} High Street", f"City {at % 4}", ["CA", "NY"][at % 2], f"{at * 137:05}", f"{at}.25", f"-{at}.5"]
        for at in range(9)
    ]
    locations[3][3] = ""
    users = [
        [hexadecimal(), f"First {at}", f"Last {at}", f"u{at % 5}@example.com", "334.271.2972x60554", f"MO{at:06}", "2033-06-21",
         ["2024-01-01", "2024-03-02"][at % 2], [1, 1, 0][at % 3]]
        for at in range(14)
    ]
    vehicles = []
    for at in range(12):
        kind = ["basic", "premium", "high_end"][at % 3]
        brand = ["BMW", "Audi", "", "Ford"][at % 4]
        vehicles.append([1, f"55{at}", "SOME NAME", "FOR HIRE VEHICLE", "08-01-2026", "IC0VQ8EC", "2015-01-21", 2015, "(646)780-0129",
                         f"{at} THIRD STREET", hexadecimal(), "04-06-2024 13:25:00", brand, kind])
    rentals = []
    for at in range(90):
        # No rental has one of the last two users, the last vehicle or one of the last two locations.
        user, vehicle = users[min(chance.randrange(14), 11)], vehicles[min(chance.randrange(14), 10)]
        start = dt.datetime(2024, 2, 27, 0, 0) + dt.timedelta(seconds=chance.randrange(9 * 86400))
        if at < 6:
            start = dt.datetime(2024, 2, 29, 23, 59, 59) + dt.timedelta(seconds=at)
        length = [3600, 7200, 5400, 1000, 86400, 1][at % 6] * (1 + at // 30)
        amount = half_up(Fraction(length * RATES[vehicle[13]], 3600) + Fraction(at % 7 == 0, 100), 2)
        end = start + dt.timedelta(seconds=length)
        places = [locations[chance.randrange(6)][0], locations[chance.randrange(7)][0]]
        rentals.append([hexadecimal(), user[0], vehicle[10], start, end, *places, amount])
    return locations, users, vehicles, rentals


def group(rows, key):
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


class Rental:
    def __init__(self, row, by):
        self.id, self.user, self.vehicle, self.start, self.end, self.pickup, self.dropoff, amount = row
        self.amount = Fraction(amount)
        self.seconds = int((self.end - self.start).total_seconds())
        self.hours = Fraction(self.seconds, 3600)
        self.brand, self.kind = by["vehicles"][self.vehicle][12], by["vehicles"][self.vehicle][13]
        self.text = amount


def revenue(rentals):
    return half_up(sum((rental.amount for rental in rentals), Fraction(0)), 2)


def average(values):
    return half_up(sum(values, Fraction(0)) / len(values), 4) if values else ""


def most(values, digits):
    return half_up(max(values), digits) if values else ""


def least(values, digits):
    return half_up(min(values), digits) if values else ""


def unique(values):
    return len(set(values))


def main():
    locations, users, vehicles, rows = raw()
    names = lambda text: text.split()
    write(HERE / "raw/locations.csv", names("location_id location_name address city state zip_code latitude longitude"), locations)
    write(HERE / "raw/users.csv", names("user_id first_name last_name email phone_number driver_license_number driver_license_expiry creation_date is_active"), users)
    write(HERE / "raw/vehicles.csv", names("active vehicle_license_number registration_name license_type expiration_date permit_license_number certification_date vehicle_year base_telephone_number base_address vehicle_id last_update_timestamp brand vehicle_type"), vehicles)
    write(HERE / "raw/rental_transactions.csv", names("rental_id user_id vehicle_id rental_start_time rental_end_time pickup_location dropoff_location total_amount"), rows)
    by = {"users": {row[0]: row for row in users}, "vehicles": {row[10]: row for row in vehicles}, "locations": {row[0]: row for row in locations}}
    rentals = [Rental(row, by) for row in rows]
    flag = lambda value: "true" if value else "false"

    def expected(name, rows):
        path = HERE / f"expected/{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(sorted(",".join(map(str, row)) + "\n" for row in rows)))

    expected("rental_facts", [
        [r.id, r.user, r.vehicle, r.start, r.end, r.pickup, r.dropoff, r.text, half_up(r.hours, 4), r.kind, r.brand,
         by["locations"][r.pickup][3], by["locations"][r.pickup][4], by["locations"][r.dropoff][3], by["locations"][r.dropoff][4],
         flag(by["users"][r.user][8]), flag(str(r.start.date()) < by["users"][r.user][7]), flag(not by["users"][r.user][8]),
         flag(r.amount != Fraction(half_up(r.hours * RATES[r.kind], 2))), r.start.date()]
        for r in rentals
    ])
    out = []
    for location in locations:
        up = [r for r in rentals if r.pickup == location[0]]
        down = [r for r in rentals if r.dropoff == location[0]]
        amounts = [r.amount for r in up]
        out.append([location[0], location[1], location[3], location[4], len(up), len(down), revenue(up), revenue(down), revenue(up),
                    average(amounts), most(amounts, 2), least(amounts, 2), unique(r.vehicle for r in up), unique(r.vehicle for r in down),
                    unique(r.vehicle for r in up + down), half_up(sum((r.hours for r in up), Fraction(0)), 4)])
    expected("location_metrics", out)
    out = []
    for kind, some in group(rentals, lambda r: r.kind).items():
        amounts, hours = [r.amount for r in some], [r.hours for r in some]
        out.append([kind, len(some), revenue(some), average(amounts), most(amounts, 2), least(amounts, 2), average(hours), most(hours, 4),
                    least(hours, 4), half_up(sum(hours), 4), unique(r.vehicle for r in some)])
    expected("vehicle_type_metrics", out)
    expected("brand_metrics", [
        [brand, kind, len(some), revenue(some), average([r.amount for r in some]), unique(r.vehicle for r in some)]
        for (brand, kind), some in group(rentals, lambda r: (r.brand, r.kind)).items()
    ])
    out = []
    for day, some in group(rentals, lambda r: r.start.date()).items():
        amounts = [r.amount for r in some]
        out.append([day, len(some), revenue(some), average(amounts), most(amounts, 2), least(amounts, 2), unique(r.user for r in some),
                    unique(r.vehicle for r in some), day.strftime("%Y-%m")])
    expected("daily_metrics", out)
    out = []
    spending = {user: sum(r.amount for r in some) for user, some in group(rentals, lambda r: r.user).items()}
    for user, some in group(rentals, lambda r: r.user).items():
        amounts, hours, row = [r.amount for r in some], [r.hours for r in some], by["users"][user]
        less = sum(other < spending[user] for other in spending.values())
        percentile = half_up(Fraction(100 * less, max(len(spending) - 1, 1)), 2)
        category = next((name for least, name in [(90, "Top Spender"), (75, "High"), (50, "Medium"), (25, "Low")] if Decimal(percentile) >= least), "Occasional")
        days = [r.start.date() for r in some]
        out.append([user, len(some), revenue(some), average(amounts), most(amounts, 2), least(amounts, 2), average(hours),
                    half_up(sum(hours), 4), unique(r.vehicle for r in some), row[1], row[2], row[3], flag(row[8]), min(days), max(days),
                    percentile, category])
    expected("user_metrics", out)
    expected("hourly_metrics", [[hour, len(some), revenue(some), average([r.amount for r in some])] for hour, some in group(rentals, lambda r: r.start.hour).items()])
    expected("day_of_week_metrics", [
        [day[1], day[0], len(some), revenue(some), average([r.amount for r in some])]
        for day, some in group(rentals, lambda r: (r.start.isoweekday(), r.start.strftime("%A"))).items()
    ])


main()
