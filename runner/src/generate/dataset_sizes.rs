//! Computes the number of rows of each dataset from the number of rentals.

/// The number of clean rows of each dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasetSizes {
    /// The number of locations: 300 for 20,080 rentals, otherwise in proportion to the cube root of the rentals,
    /// because a company opens locations more slowly than its business grows. At least 10, at most 3,000.
    pub locations: u64,
    /// The number of users: three for every two rentals, up to 30,000; from 600,000 rentals on, one for every 20
    /// rentals.
    pub users: u64,
    /// The number of vehicles: six per rental, up to 109,584; from 22 million rentals on, one for every 200 rentals.
    pub vehicles: u64,
    /// The number of rentals that the settings ask for.
    pub rentals: u64,
}

impl DatasetSizes {
    /// Computes the sizes for a number of rentals.
    #[must_use]
    pub fn of(rentals: u64) -> Self {
        Self {
            locations: cube_root(27_000_000 * rentals / 20_080).clamp(10, 3_000),
            users: (rentals.saturating_mul(3).div_ceil(2).min(30_000)).max(rentals / 20),
            vehicles: (rentals.saturating_mul(6).min(109_584)).max(rentals / 200),
            rentals,
        }
    }
}

/// Returns the greatest number whose cube is at most `value`.
fn cube_root(value: u64) -> u64 {
    // The cube root of 2^64, rounded down.
    let (mut low, mut high) = (0_u64, 2_642_245);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle.pow(3) <= value {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::settings::MAX_RENTALS;

    #[test]
    fn the_first_tenants_sizes_come_out() {
        let sizes = DatasetSizes::of(20_080);
        assert_eq!(
            (sizes.locations, sizes.users, sizes.vehicles),
            (300, 30_000, 109_584)
        );
    }

    #[test]
    fn ten_million_rentals_have_a_larger_network() {
        let sizes = DatasetSizes::of(10_000_000);
        assert_eq!(
            (sizes.locations, sizes.users, sizes.vehicles),
            (2_377, 500_000, 109_584)
        );
        assert_eq!(DatasetSizes::of(MAX_RENTALS).locations, 3_000);
        assert_eq!(DatasetSizes::of(1).users, 2);
    }
}
