//! The password of a database: `PGPASSWORD`, or the line of `~/.pgpass` (or of the file that `PGPASSFILE` names) that fits.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The port of a database, if nothing is said.
const PORT: u16 = 5432;

/// The password, if there is one; an error if the file cannot be trusted.
pub(super) fn find(config: &Config) -> Result<Option<String>, String> {
    if let Ok(password) = std::env::var("PGPASSWORD")
        && !password.is_empty()
    {
        return Ok(Some(password));
    }
    let file = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let Some(file) = file.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass"))) else {
        return Ok(None);
    };
    let Ok(facts) = std::fs::metadata(&file) else { return Ok(None) };
    if !facts.is_file() {
        return Ok(None);
    }
    if facts.permissions().mode() & 0o077 != 0 {
        return Err(format!("others may read the passwords in {0}: `chmod 600 {0}`", file.display()));
    }
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(_)) | None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(PORT).to_string();
    let user = config.get_user().map_or_else(|| std::env::var("USER").unwrap_or_default(), str::to_owned);
    let database = config.get_dbname().map_or_else(|| user.clone(), str::to_owned);
    Ok(in_lines(&text, [&host, &port, &database, &user]))
}

/// The password of the first line that fits host, port, database and user.
fn in_lines(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [given @ .., password] = &fields[..] else { return None };
        let fits = |(given, wanted): (&String, &str)| given == "*" || given == wanted;
        (given.len() == wanted.len() && given.iter().zip(wanted).all(fits)).then(|| password.clone())
    })
}

/// The fields of a line: five, parted by `:`; behind `\` any sign stands for itself, and the last field has the rest.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        let is_last = fields.len() == 5;
        match sign {
            ':' if !is_last => fields.push(String::new()),
            '\\' => fields.last_mut().expect("there is one").extend(signs.next()),
            sign => fields.last_mut().expect("there is one").push(sign),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::in_lines;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# mine\nother:5432:shop:me:no\nlocalhost:*:shop:me:a\\:b:c\n*:*:*:*:last\n";
        assert_eq!(in_lines(text, ["localhost", "5432", "shop", "me"]).as_deref(), Some("a:b:c"));
        assert_eq!(in_lines(text, ["localhost", "5432", "shop", "you"]).as_deref(), Some("last"));
        assert_eq!(in_lines("localhost:5432:shop:me", ["localhost", "5432", "shop", "me"]), None);
    }
}
