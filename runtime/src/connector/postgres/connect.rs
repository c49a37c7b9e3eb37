//! A connection to a database: where it is, who asks, and whether what is said can be read on the way.
//!
//! A password is never a part of a URL: it is `PGPASSWORD`, or stands in `~/.pgpass`. There is no TLS in this client, so it connects to this
//! machine (a socket, `localhost`), and to others only where the URL says `sslmode=disable`.

use super::super::error::ConnectorError;
use super::password;
use std::error::Error as _;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// How long a database may take to answer a knock.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Where the socket of a database lies if nothing is said.
const SOCKETS: &str = "/run/postgresql";

/// A table of a database, for messages: without a password.
#[derive(Clone, Debug)]
pub(crate) struct Place(String);

impl Place {
    pub(super) fn new(url: &str, table: &str) -> Self {
        Self(format!("{}, table `{table}`", without_password(url)))
    }

    /// An error of this place.
    pub(crate) fn error(&self, what: impl Into<String>, advice: Option<&str>) -> ConnectorError {
        let (what, advice) = (what.into(), advice.map(str::to_owned));
        ConnectorError::Database { place: self.0.clone(), what, advice }
    }

    /// What the client says, with what to do about it.
    pub(crate) fn failed(&self, doing: &str, error: &tokio_postgres::Error) -> ConnectorError {
        let Some(said) = error.as_db_error() else {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            let advice = "is the database running, and does it listen there? The URL says where, and who asks";
            return self.error(format!("{doing}: {text}"), Some(advice));
        };
        let code = said.code();
        let advice = if [&SqlState::INVALID_PASSWORD, &SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(&code) {
            Some(
                "set `PGPASSWORD`, or write a line into `~/.pgpass`; the URL says who asks: `postgresql://user@host/database`",
            )
        } else if *code == SqlState::UNDEFINED_TABLE {
            Some(
                "name a table or view that is there, with its schema if it is not on the search path: `\"sales.accounts\"`",
            )
        } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
            Some("give that user leave to read it: `GRANT SELECT ON .. TO ..`")
        } else if *code == SqlState::TOO_MANY_CONNECTIONS {
            Some("raise its `max_connections`, or lower `.connections(..)` of the table")
        } else {
            None
        };
        let more = [said.detail(), said.hint()].into_iter().flatten().map(|more| format!("; {more}"));
        let what = format!("{doing}: {} ({}){}", said.message(), code.code(), more.collect::<String>());
        self.error(what, advice)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A URL with stars in the place of a password. The compiler refuses such jobs; an artifact may come from elsewhere.
fn without_password(url: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let place = match (place.rsplit_once('@'), place.split_once("://")) {
        (Some((user, host)), Some((scheme, _))) => {
            let user = user.split_once("://").map_or(user, |(_, user)| user);
            match user.split_once(':') {
                Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
                None => place.to_owned(),
            }
        }
        _ => place.to_owned(),
    };
    let secret = |pair: &&str| !pair.split('=').next().is_some_and(|name| name.ends_with("password"));
    let query = query.map(|query| query.split('&').filter(secret).collect::<Vec<_>>().join("&"));
    query.map_or_else(|| place.clone(), |query| format!("{place}?{query}"))
}

/// Whether trying again may help: nobody answered, or whoever did is busy or going away.
pub(crate) fn may_come_back(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        // Values that do not fit are no matter of the connection.
        return error.is_closed()
            || error.source().is_some_and(|cause| cause.is::<std::io::Error>())
            || is_timeout(error);
    };
    let going = [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::CRASH_SHUTDOWN,
        &SqlState::CANNOT_CONNECT_NOW,
        &SqlState::TOO_MANY_CONNECTIONS,
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
    ];
    going.contains(&code) || code.code().starts_with("08")
}

fn is_timeout(error: &tokio_postgres::Error) -> bool {
    error.to_string().contains("timeout") || error.to_string().contains("timed out")
}

/// Where to connect to, and how.
pub(crate) fn config(url: &str, place: &Place) -> Result<Config, ConnectorError> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        place.error(format!("the URL cannot be read: {why}"), Some("write `postgresql://host:port/database`"))
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        match std::env::var("PGHOST") {
            Ok(host) if !host.is_empty() => config.host(host),
            Ok(_) | Err(_) if Path::new(SOCKETS).is_dir() => config.host_path(SOCKETS),
            Ok(_) | Err(_) => config.host("localhost"),
        };
    }
    check_security(&config, place)?;
    if let (None, Ok(user)) = (config.get_user(), std::env::var("PGUSER")) {
        config.user(user);
    }
    if config.get_password().is_none()
        && let Some(password) = password::find(&config).map_err(|why| place.error(why, None))?
    {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("sabot");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WITHIN);
    }
    Ok(config)
}

/// Refuses a way on which others could read along, unless the author asked for it.
fn check_security(config: &Config, place: &Place) -> Result<(), ConnectorError> {
    let no_tls = "this client has no TLS";
    let mode = config.get_ssl_mode();
    if mode == SslMode::Require {
        let advice =
            "connect through a tunnel that ends on this machine (`ssh -L`, stunnel, PgBouncer), without `sslmode`";
        return Err(place.error(format!("the URL asks for an encrypted connection, and {no_tls}"), Some(advice)));
    }
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    };
    let is_local =
        config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    if is_local || mode == SslMode::Disable {
        return Ok(());
    }
    let advice = "connect through a tunnel that ends on this machine (`ssh -L`, stunnel, PgBouncer), or, if the network is to be \
        trusted with rows and passwords, write `?sslmode=disable` behind the URL";
    Err(place
        .error(format!("the database is on another machine, and {no_tls}: all could be read on the way"), Some(advice)))
}

/// A connection; closed when it goes.
pub(crate) struct Connection {
    pub(crate) client: Client,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects. Inside of a runtime.
pub(crate) async fn connect(config: &Config) -> Result<Connection, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    // An error of the connection is that of whoever asks through it.
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(Connection { client, task })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let shown = |url: &str| Place::new(url, "t").to_string();
        assert_eq!(shown("postgresql://me@host/db"), "postgresql://me@host/db, table `t`");
        assert_eq!(shown("postgresql://me:secret@host/db"), "postgresql://me:***@host/db, table `t`");
        assert!(!shown("postgresql://host/db?user=me&password=secret").contains("secret"));
    }

    #[test]
    fn others_do_not_read_along() {
        let check = |url: &str| config(url, &Place::new(url, "t")).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(check("postgresql://localhost/db"), Ok(()));
        assert_eq!(check("postgresql://127.0.0.1/db"), Ok(()));
        assert_eq!(check("postgresql:///db?host=/tmp/sockets"), Ok(()));
        assert_eq!(check("postgresql://db.example.com/db?sslmode=disable"), Ok(()));
        let remote = check("postgresql://db.example.com/db").expect_err("it is not encrypted");
        assert!(remote.contains("on another machine") && remote.contains("sslmode=disable"), "{remote}");
        let remote = check("postgresql://localhost/db?hostaddr=192.0.2.1").expect_err("it is not encrypted");
        assert!(remote.contains("on another machine"), "{remote}");
        let tls = check("postgresql://localhost/db?sslmode=require").expect_err("there is no TLS");
        assert!(tls.contains("has no TLS"), "{tls}");
    }
}
