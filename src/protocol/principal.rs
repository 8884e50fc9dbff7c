//! Who is calling.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The caller on whose behalf a request is served.
///
/// Sessions, streams, replay and the client's answers are bound to the principal that opened
/// them: another principal that presents the same session id gets exactly the answer of an
/// unknown session. Two principals are the same if their names are; the data that rides along
/// does not count.
///
/// ```
/// use mcp_http::Principal;
///
/// let alice = Principal::named("alice@example.com");
/// assert_eq!(alice.name(), Some("alice@example.com"));
/// assert_ne!(alice, Principal::anonymous());
///
/// // What the check of the credential learned can ride along, for tools to read.
/// struct Scopes(Vec<String>);
/// let alice = alice.with_data(Scopes(vec!["read".into()]));
/// assert_eq!(alice.data::<Scopes>().unwrap().0, ["read"]);
/// ```
#[derive(Clone, Default)]
pub struct Principal {
    name: Option<Arc<str>>,
    data: Option<Arc<dyn Any + Send + Sync>>,
}

impl Principal {
    /// The principal of a request that proved no identity.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A principal with a name, which must be unique to it: a token's subject with its issuer,
    /// an account number, a mail address.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), data: None }
    }

    /// The same principal with data of the application's own, replacing what it carried.
    #[must_use]
    pub fn with_data<T: Any + Send + Sync>(mut self, data: T) -> Self {
        self.data = Some(Arc::new(data));
        self
    }

    /// The name, or `None` for an anonymous principal.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether no identity was proven.
    pub fn is_anonymous(&self) -> bool {
        self.name.is_none()
    }

    /// The data given to [`with_data`](Self::with_data), if it is of this type.
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.data.as_deref()?.downcast_ref()
    }
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Principal {}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_the_name_and_nothing_else() {
        assert_eq!(Principal::named("a"), Principal::named("a").with_data(1_u8));
        assert_ne!(Principal::named("a"), Principal::named("b"));
        assert_ne!(Principal::named(""), Principal::anonymous());
        assert_eq!(Principal::named("a").name(), Some("a"));
        assert!(Principal::anonymous().is_anonymous() && !Principal::named("").is_anonymous());
    }

    #[test]
    fn data_is_found_by_its_type_and_not_shown() {
        let principal = Principal::named("a").with_data("secret");
        assert_eq!(principal.data::<&str>(), Some(&"secret"));
        assert_eq!(principal.data::<String>(), None);
        assert_eq!(format!("{principal:?}"), r#"Principal { name: Some("a"), .. }"#);
    }
}
