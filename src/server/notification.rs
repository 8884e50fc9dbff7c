//! The notifications that a handler sends on its own request's stream.

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::raw::RawJson;
use crate::protocol::jsonrpc::encode_notification;
use crate::protocol::log_level::LogLevel;

/// The largest integer that every double up to it represents exactly.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// `notifications/progress`. The token is echoed as it came; a total that is not finite, which
/// JSON cannot hold, and an empty message are left out.
pub(crate) fn progress(token: &RawJson, progress: f64, total: Option<f64>, message: &str) -> Bytes {
    debug_assert!(progress.is_finite(), "{progress}");
    encode_notification("notifications/progress", |params| {
        params.raw_member("progressToken", token.as_bytes());
        params.member("progress", &Number(progress))?;
        if let Some(total) = total.filter(|total| total.is_finite()) {
            params.member("total", &Number(total))?;
        }
        if !message.is_empty() {
            params.member("message", message)?;
        }
        Ok(())
    })
    .expect("finite numbers and strings are JSON")
}

/// `notifications/message`.
///
/// # Errors
///
/// If the data cannot be JSON.
pub(crate) fn message<T: Serialize + ?Sized>(
    level: LogLevel,
    logger: Option<&str>,
    data: &T,
) -> Result<Bytes, serde_json::Error> {
    encode_notification("notifications/message", |params| {
        params.member("level", &level)?;
        if let Some(logger) = logger {
            params.member("logger", logger)?;
        }
        params.member("data", data)
    })
}

/// A finite number, written as JavaScript writes it: an integer without a fraction.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.0;
        if number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER {
            serializer.serialize_i64(number as i64)
        } else {
            serializer.serialize_f64(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    fn token(json: &str) -> RawJson {
        RawJson::copy(serde_json::from_str::<&RawValue>(json).unwrap())
    }

    /// 2026-07-28, Progress: the token is a string or an integer, echoed as it was given.
    #[test]
    fn progress_echoes_the_token_and_writes_integers_without_a_fraction() {
        assert_eq!(
            progress(&token("123456789012345678901"), 50.0, Some(100.0), "half"),
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":123456789012345678901,"progress":50,"total":100,"message":"half"}}"#
        );
        assert_eq!(
            progress(&token(r#""\u0061""#), 0.5, None, ""),
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"\u0061","progress":0.5}}"#
        );
    }

    #[test]
    fn a_total_that_is_not_finite_is_left_out() {
        for total in [f64::NAN, f64::INFINITY] {
            let bytes = progress(&token("1"), 1.0, Some(total), "");
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(value["params"], json!({"progressToken": 1, "progress": 1}));
        }
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        let text = |number| serde_json::to_string(&Number(number)).unwrap();
        assert_eq!(text(-0.0), "0");
        assert_eq!(text(-3.0), "-3");
        assert_eq!(text(0.1), "0.1");
        assert_eq!(text(MAX_SAFE_INTEGER), "9007199254740991");
        assert_eq!(text(1e300).parse(), Ok(1e300));
    }

    #[test]
    fn a_message_has_a_logger_only_if_there_is_one() {
        assert_eq!(
            message(LogLevel::Info, None, "a").unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"a"}}"#
        );
        assert_eq!(
            message(LogLevel::Error, Some("db"), &json!({"n": 1})).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","logger":"db","data":{"n":1}}}"#
        );
    }
}
