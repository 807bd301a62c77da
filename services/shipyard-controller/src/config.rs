//! Settings of the controller.

use std::time::Duration;

use fold::Waits;
use service::{
    Settings,
    traces::{Collector, InvalidCollector},
};

/// `service.name` of the spans when none is set.
const DEFAULT_SERVICE_NAME: &str = "shipyard-controller";

/// Settings of the controller beside the common ones.
#[derive(Clone, Debug)]
pub struct Config {
    /// `TASK_STARTED_WAIT_DURATION`: until anybody answers a task at all; default 10m.
    /// `TASK_FINISHED_WAIT_DURATION`: until a task is done; default 1h. 0 = no bound.
    pub waits: Waits,
    /// Where traces go; none = nowhere.
    pub traces: Option<Traces>,
}

/// How traces are exported: the standard variables of `OpenTelemetry`.
#[derive(Clone, Debug)]
pub struct Traces {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: a collector; default none = traces are not exported.
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`: the address that takes traces; wins.
    /// `OTEL_EXPORTER_OTLP_HEADERS`: headers of each request; default none.
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`: anything but gRPC, which is refused.
    pub collector: Collector,
    /// `OTEL_SERVICE_NAME`: default shipyard-controller.
    pub service_name: String,
}

impl Traces {
    fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let exact = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let (name, read) = match (settings.text(exact), settings.text(base)) {
            (Some(address), _) => (exact, Collector::exactly_at(&address)),
            (None, Some(address)) => (base, Collector::at(&address)),
            (None, None) => return None,
        };
        if settings.text("OTEL_EXPORTER_OTLP_PROTOCOL").as_deref() == Some("grpc") {
            let rule = "OTEL_EXPORTER_OTLP_PROTOCOL must be http/json: name the collector's port \
                 for HTTP, which is 4318 as a rule";
            settings.problem(rule.to_owned());
        }
        let collector = accepted(settings, name, read)?;
        let headers = "OTEL_EXPORTER_OTLP_HEADERS";
        let read = collector.with_headers(&settings.text(headers).unwrap_or_default());
        let collector = accepted(settings, headers, read)?;
        let service_name = settings.text("OTEL_SERVICE_NAME");
        let service_name = service_name.unwrap_or_else(|| DEFAULT_SERVICE_NAME.to_owned());
        Some(Self { collector, service_name })
    }
}

/// Notes what is wrong with a setting; its value may hold a secret and is not said.
fn accepted(
    settings: &mut Settings<'_>,
    name: &str,
    read: Result<Collector, InvalidCollector>,
) -> Option<Collector> {
    read.map_err(|error| settings.problem(format!("{name} {error}"))).ok()
}

impl Config {
    /// Reads them.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        let default = Waits::default();
        let mut secs = |name: &str, secs: u64| {
            let wait = settings.duration(name, Duration::from_secs(secs));
            // A wait below a second is one second; only zero means that there is no bound.
            if wait.is_zero() { 0 } else { wait.as_secs().max(1) }
        };
        let waits = Waits {
            start_secs: secs("TASK_STARTED_WAIT_DURATION", default.start_secs),
            finish_secs: secs("TASK_FINISHED_WAIT_DURATION", default.finish_secs),
        };
        Self { waits, traces: Traces::read(settings) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(get: &dyn Fn(&str) -> Option<String>) -> Waits {
        let mut settings = Settings::new(get);
        let config = Config::read(&mut settings);
        settings.finish().unwrap();
        config.waits
    }

    fn read(set: &[(&str, &str)]) -> Result<Config, service::SettingsError> {
        let get = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let mut settings = Settings::new(&get);
        let config = Config::read(&mut settings);
        settings.finish()?;
        Ok(config)
    }

    #[test]
    fn traces_go_nowhere_unless_a_collector_is_named() {
        assert!(read(&[("OTEL_SERVICE_NAME", "x")]).unwrap().traces.is_none());
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318");
        let traces = read(&[base]).unwrap().traces.unwrap();
        assert_eq!(traces.service_name, "shipyard-controller");
        assert!(format!("{:?}", traces.collector).contains("/v1/traces"));
        let exact = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/x");
        let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        let traces = read(&[base, exact, protocol]).unwrap().traces.unwrap();
        let shown = format!("{:?}", traces.collector);
        assert!(shown.contains("/x") && !shown.contains("4318"), "{shown}");
    }

    #[test]
    fn what_names_no_collector_is_told_with_its_rule_and_without_its_value() {
        let problems = |set: &[(&str, &str)]| read(set).unwrap_err().problems;
        let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let told =
            problems(&[(base, "https://u:secret@a"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("OTEL_EXPORTER_OTLP_PROTOCOL must be http/json"), "{told:?}");
        assert!(told[1].starts_with("OTEL_EXPORTER_OTLP_ENDPOINT must begin with"), "{told:?}");
        let told = problems(&[(base, "http://a"), ("OTEL_EXPORTER_OTLP_HEADERS", "secret")]);
        assert!(told[0].starts_with("OTEL_EXPORTER_OTLP_HEADERS must be like"), "{told:?}");
        assert!(!told.concat().contains("secret"), "{told:?}");
    }

    #[test]
    fn keptns_ten_minutes_are_the_default() {
        assert_eq!(waits(&|_| None), Waits { start_secs: 600, finish_secs: 3600 });
    }

    #[test]
    fn a_fraction_of_a_second_is_a_second_and_zero_is_no_bound() {
        let get = |name: &str| {
            let wait = if name.starts_with("TASK_STARTED") { "300ms" } else { "0" };
            name.starts_with("TASK").then(|| wait.to_owned())
        };
        assert_eq!(waits(&get), Waits { start_secs: 1, finish_secs: 0 });
    }
}
