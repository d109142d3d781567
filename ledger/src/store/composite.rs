//! Rows as composite types of Postgres: an array of them is one parameter, whatever the number of columns.

/// Says how the type is called in Postgres. Its `Encode` is derived: its fields stand in the order of the type's.
macro_rules! composite {
    ($of:ty, $name:literal) => {
        impl sqlx::Type<sqlx::Postgres> for $of {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::with_name($name)
            }
        }

        impl sqlx::postgres::PgHasArrayType for $of {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::array_of($name)
            }
        }
    };
}

pub(super) use composite;
