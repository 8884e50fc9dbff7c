//! A service for Google Cloud Run: typed tools, logs that Cloud Logging reads, a health check,
//! metrics, and a shutdown that loses nothing. `examples/deploy/` has what it is deployed with.
//!
//! ```text
//! PORT=8080 cargo run --release --features cloud-logging --example cloud_run
//! ```
//!
//! Standard output has the logs, one JSON object a line. On a developer's machine standard error
//! has lines of curl that call it.

use std::error::Error;
use std::process::ExitCode;

use mcp_http::{CloudLogging, CloudRun, Context, McpService, Server, Structured, ToolError};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

#[tokio::main]
async fn main() -> ExitCode {
    let platform = CloudRun::from_env();
    log_to_stdout(platform.as_ref().ok().and_then(CloudRun::project_id));
    let ended = match platform {
        Ok(platform) => run(platform).await,
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("cannot serve: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut platform: CloudRun) -> Result<(), Box<dyn Error>> {
    if !CloudRun::is_here() {
        // A developer's machine. On Cloud Run the names must be said: MCP_ALLOWED_HOSTS.
        platform = platform.allow_host("localhost");
    }
    let server = Server::builder("toolbox", env!("CARGO_PKG_VERSION"))
        .typed_tool("convert", "Converts a quantity into another unit", convert)
        .typed_tool("days_between", "Counts the days from one date to another", days_between)
        .typed_tool("factorize", "Finds the prime factors of a number", factorize)
        .typed_tool("whoami", "Tells where the caller comes from", whoami)
        .build()?;
    let running = platform.start(McpService::builder(server)).await?;
    let addr = running.local_addr();
    let end = running.until_signal(); // SIGTERM is caught from here on
    tracing::info!(%addr, "listening");
    if !CloudRun::is_here() {
        print_how_to_call(addr.port());
    }
    let drained = end.await?; // after 8 s for what is in flight
    tracing::info!(aborted = drained.aborted, "ended");
    Ok(())
}

fn log_to_stdout(project: Option<&str>) {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok());
    let logs = CloudLogging::new().project(project);
    let subscriber = tracing_subscriber::registry().with(level.unwrap_or(LevelFilter::INFO));
    tracing::subscriber::set_global_default(subscriber.with(logs)).expect("it is set once");
    // A panic is an answer to its caller and an entry in the log, and the process lives.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

// ---- arguments and results are types, and so are their schemas ----

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Quantity {
    /// How many of the first unit
    value: f64,
    /// The unit to convert from
    from: Unit,
    /// The unit to convert to
    to: Unit,
}

#[derive(Clone, Copy, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Metre,
    Foot,
    Mile,
    Kilogram,
    Pound,
    Celsius,
    Fahrenheit,
}

impl Unit {
    /// What it measures, and how much of the basic unit one is: factor and offset.
    fn scale(self) -> (&'static str, f64, f64) {
        match self {
            Self::Metre => ("length", 1.0, 0.0),
            Self::Foot => ("length", 0.3048, 0.0),
            Self::Mile => ("length", 1_609.344, 0.0),
            Self::Kilogram => ("mass", 1.0, 0.0),
            Self::Pound => ("mass", 0.453_592_37, 0.0),
            Self::Celsius => ("temperature", 1.0, 0.0),
            Self::Fahrenheit => ("temperature", 5.0 / 9.0, -160.0 / 9.0),
        }
    }
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Converted {
    value: f64,
}

async fn convert(args: Quantity, _: Context) -> Result<Structured<Converted>, ToolError> {
    let (measures, factor, offset) = args.from.scale();
    let (into, divisor, base) = args.to.scale();
    if measures != into {
        let reason = format!("measures {into}, and {:?} measures {measures}", args.from);
        return Err(ToolError::invalid_argument("to", reason));
    }
    let value = (args.value * factor + offset - base) / divisor;
    Ok(Structured(Converted { value: (value * 1e9).round() / 1e9 }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Dates {
    /// The first date, as 2026-02-28
    from: String,
    /// The second date, as 2026-03-01
    to: String,
}

async fn days_between(args: Dates, _: Context) -> Result<String, ToolError> {
    let day = |name, text: &str| {
        day_number(text).ok_or_else(|| ToolError::invalid_argument(name, "is no date"))
    };
    Ok(format!("{} days", day("to", &args.to)? - day("from", &args.from)?))
}

/// The number of a day of the Gregorian calendar.
fn day_number(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    let exists = (1..=9999).contains(&year) && (1..=*months.get(month)?).contains(&day);
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400;
    exists.then(|| years + months[..month].iter().sum::<i64>() + day)
}

// ---- a tool that takes its time, and says how far it is to a client that asks ----

const MOST: u64 = 1_000_000_000_000_000;
const BLOCK: u64 = 100_000;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Number {
    /// The number, from 2 to 10^15
    number: u64,
}

async fn factorize(args: Number, cx: Context) -> Result<String, ToolError> {
    let (mut rest, mut factors, mut candidate) = (args.number, Vec::new(), 2);
    if !(2..=MOST).contains(&rest) {
        return Err(ToolError::invalid_argument("number", format!("must be from 2 to {MOST}")));
    }
    tracing::info!(number = rest, "factorizing"); // it stands with the request's trace
    while candidate <= rest.isqrt() {
        while rest.is_multiple_of(candidate) {
            factors.push(candidate.to_string());
            rest /= candidate;
        }
        candidate += 1;
        if candidate.is_multiple_of(BLOCK) {
            let root = rest.isqrt();
            cx.progress(candidate as f64, Some(root as f64), format!("{candidate} of {root}"));
            // Others want to run, too; and if the client has left, this is where it ends.
            tokio::task::yield_now().await;
        }
    }
    if rest > 1 {
        factors.push(rest.to_string());
    }
    Ok(format!("{} = {}", args.number, factors.join(" × ")))
}

/// If this is not your address, `MCP_TRUSTED_HOPS` is not what it should be.
async fn whoami(_: Nothing, cx: Context) -> Result<String, ToolError> {
    let addr = cx.client_addr().map_or("an unknown address".to_owned(), |addr| addr.to_string());
    Ok(format!("{addr}, by {}", cx.protocol_version()))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

// ---- a request of 2026-07-28 stands on its own: one line of curl is a whole client ----

fn print_how_to_call(port: u16) {
    let url = format!("http://localhost:{port}");
    let convert = r#"{"value":26.2,"from":"mile","to":"metre"}"#;
    eprintln!("MCP endpoint: {url}/mcp\n");
    eprintln!("Call a tool; the answer is plain JSON:");
    eprintln!("{}\n", curl(&url, "convert", convert, ""));
    eprintln!("Ask for progress; the answer is a stream:");
    let factorize = r#"{"number":999962000357}"#;
    eprintln!("{}\n", curl(&url, "factorize", factorize, r#""progressToken":1,"#));
    eprintln!("Is it ready?");
    eprintln!("curl -s {url}/health");
}

fn curl(url: &str, tool: &str, arguments: &str, progress: &str) -> String {
    let meta = format!(
        r#"{{{progress}"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    format!(
        "curl -sN {url}/mcp -H 'Content-Type: application/json' -H 'MCP-Protocol-Version: \
         2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: {tool}' -d '{{\"jsonrpc\":\"2.0\",\
         \"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":\
         {arguments},\"_meta\":{meta}}}}}'"
    )
}
