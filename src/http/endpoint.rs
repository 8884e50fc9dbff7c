//! The endpoint: what happens to a request, from its head to its response.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{self, HeaderValue};
use http::{Method, Response, StatusCode, Version};
use http_body::Body;

use super::body::ResponseBody;
use super::collect::Collecting;
use super::mount::Mount;
use super::serve::ShutdownSignal;
use super::service::Shared;
use super::{cors, legacy, modern, respond};
use crate::protocol::classify::{Posted, Verb, classify, classify_head};
use crate::protocol::head::Head;
use crate::protocol::jsonrpc::parse;
use crate::protocol::known_headers::{Known, KnownHeaders};
use crate::protocol::media::{self, ContentType};
use crate::protocol::origin::Verdict;
use crate::protocol::principal::Principal;
use crate::protocol::refusal::{Reason, Refusal};

/// A request that may be served: its head, and on whose behalf.
pub(crate) struct Admitted<'a> {
    pub(crate) head: &'a Arc<Head>,
    /// The head's.
    pub(crate) headers: &'a KnownHeaders<'a>,
    pub(crate) principal: Principal,
}

impl Admitted<'_> {
    /// The listener of the crate's own that the request came by.
    pub(crate) fn listener(&self) -> Option<&ShutdownSignal> {
        self.head.extensions().get()
    }
}

/// What became of a POST once its body was there.
pub(crate) enum Served<'a> {
    /// It is answered, as nearly all are.
    Now(Response<ResponseBody>),
    /// Something has to be waited for. That is boxed, so that the future of every request is not as
    /// large as it.
    Later(BoxFuture<'a, Result<Response<ResponseBody>, Refusal>>),
}

impl<'a> Served<'a> {
    pub(crate) fn later(
        response: impl Future<Output = Result<Response<ResponseBody>, Refusal>> + Send + 'a,
    ) -> Self {
        Self::Later(Box::pin(response))
    }
}

/// Serves a request.
pub(crate) async fn serve<B: Body + 'static>(
    mount: Arc<Mount>,
    head: Arc<Head>,
    body: B,
    version: Version,
) -> Response<ResponseBody> {
    let shared = &mount.shared;
    let body = pin!(Collecting::new(body));
    if let Some(listener) = head.extensions().get::<ShutdownSignal>() {
        shared.link(listener);
    }
    let headers = KnownHeaders::of(head.headers());
    let origin = match check_door(shared, &head, &headers) {
        Ok(origin) => origin,
        Err(refusal) => return shared.refuse(refusal),
    };
    let mut response = if head.method() == Method::OPTIONS {
        options(&head)
    } else {
        answer(&mount, &head, &headers, body).await.unwrap_or_else(|refusal| shared.refuse(refusal))
    };
    response.body_mut().count_towards(shared, version);
    if let Some(origin) = origin {
        cors::allow(response.headers_mut(), origin);
    }
    response
}

/// The checks that need nothing but the head: the path, and by which name and from which page it
/// was reached. The origin is returned if there is one.
///
/// All revisions, Transports, Security Warning, 1: "Servers MUST validate the `Origin` header on
/// all incoming connections to prevent DNS rebinding attacks."
fn check_door(
    shared: &Shared,
    head: &Head,
    headers: &KnownHeaders<'_>,
) -> Result<Option<HeaderValue>, Refusal> {
    let options = &shared.options;
    if !options.endpoint.matches(head.uri().path()) {
        return Err(Reason::NotTheEndpoint.into());
    }
    // Over HTTP/2 the host is the authority of the target, and there may be no `Host` at all.
    let authority = head.uri().authority().map(http::uri::Authority::as_str);
    match options.hosts.check(authority, headers.lines(Known::Host)) {
        Verdict::Allowed => {}
        Verdict::Absent | Verdict::Malformed => return Err(Reason::BadHost.into()),
        Verdict::NotAllowed => return Err(Reason::HostNotAllowed.into()),
    }
    match options.origins.check(headers.lines(Known::Origin)) {
        Verdict::Absent => Ok(None),
        Verdict::Allowed => Ok(headers.lines(Known::Origin).next().cloned()),
        Verdict::Malformed | Verdict::NotAllowed => Err(Reason::OriginNotAllowed.into()),
    }
}

/// The answer to a preflight, and to an OPTIONS that is none.
fn options(head: &Head) -> Response<ResponseBody> {
    let mut response = respond::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    if head.headers().contains_key(header::ORIGIN) {
        headers.extend(cors::preflight(head.headers()));
    }
    headers.insert(header::ALLOW, HeaderValue::from_static("POST, GET, DELETE, OPTIONS"));
    response
}

async fn answer<B: Body + 'static>(
    mount: &Arc<Mount>,
    head: &Arc<Head>,
    headers: &KnownHeaders<'_>,
    mut body: Pin<&mut Collecting<B>>,
) -> Result<Response<ResponseBody>, Refusal> {
    let shared = &mount.shared;
    let verb = classify_head(head.method(), headers)?;
    // A page can post `text/plain`, or nothing at all, to any server without asking; it cannot
    // post `application/json` (CVE-2026-33252).
    if verb == Verb::Post && media::content_type(headers) != ContentType::Json {
        return Err(Reason::UnsupportedMediaType.into());
    }
    let principal = admit(shared, head).await?;
    let admitted = Admitted { head, headers, principal };
    match verb {
        Verb::Post => {
            let budget = shared.registry.budget();
            // It counts until its calls are answered, or go on as streams, which keep what they need
            // of it.
            let limits = shared.options.body;
            let body = poll_fn(|cx| body.as_mut().poll(cx, limits, budget)).await?;
            let later = match post(mount, &admitted, &body.bytes)? {
                Served::Now(response) => return Ok(response),
                Served::Later(later) => later,
            };
            // In a statement of its own: the future of every request is as large as what is kept here.
            later.await
        }
        Verb::Get => legacy::get(shared, &admitted),
        Verb::Delete => legacy::delete(shared, &admitted),
    }
}

async fn admit(shared: &Shared, head: &Arc<Head>) -> Result<Principal, Refusal> {
    match &shared.options.admit {
        // A panic must not take the other requests of the connection with it.
        Some(admit) => {
            let admitted = async { admit.admit(Arc::clone(head)).await };
            let admitted = AssertUnwindSafe(admitted).catch_unwind().await;
            admitted.unwrap_or_else(|_| Err(Reason::AdmissionFailed.into()))
        }
        None => Ok(head.extensions().get().cloned().unwrap_or_default()),
    }
}

fn post<'a>(
    mount: &'a Arc<Mount>,
    admitted: &'a Admitted<'a>,
    body: &'a Bytes,
) -> Result<Served<'a>, Refusal> {
    let shared = &mount.shared;
    // It is large, and stays where it is.
    let parsed = parse(body, shared.options.parse);
    let parsed = match parsed {
        Ok(ref parsed) => parsed,
        Err(invalid) => return Err(invalid.into()),
    };
    match classify(admitted.headers, parsed)? {
        Posted::Modern(request) => modern::call(mount, admitted, body, request),
        Posted::ModernNotification => Ok(Served::Now(respond::accepted())),
        Posted::Initialize(request) => {
            legacy::initialize(shared, admitted, request).map(Served::Now)
        }
        Posted::Legacy { version } => legacy::post(mount, admitted, body, version, parsed),
    }
}
