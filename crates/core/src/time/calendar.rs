//! Days since 1970 and dates of the Gregorian calendar, in both directions.
//!
//! Owns: leap years. Invariant: both directions agree for every day from 1970 to 9999. Must not know: time zones.

/// Days of a period of 400 years, after which the calendar repeats.
const DAYS_400_YEARS: u64 = 146_097;
/// Days from the first of March of the year 0 to 1970.
const DAYS_TO_1970: u64 = 719_468;

/// Year, month and day. Years are counted from March, so that the leap day is the last of its year.
pub(super) fn date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + DAYS_TO_1970;
    let (period, day) = (days / DAYS_400_YEARS, days % DAYS_400_YEARS);
    // A year has 365 days, and every 1,460 days (4 years) one more, every 36,524 (100 years) not.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days.
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carried) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (period * 400 + year + carried, month, day_of_month)
}

/// Days since 1970. `None` for a month that does not exist, a day 0 or beyond 31, and before 1970; the 30th of February is the caller's to find.
pub(super) fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year).checked_sub(DAYS_TO_1970)
}
