#!/usr/bin/env bash
# Prometheus and Alertmanager with our rules, as Debian and Ubuntu have them, until Ctrl-C:
#
#     sudo apt-get install prometheus prometheus-alertmanager
#     contrib/prometheus/run-native.sh
#
# Debian starts its own services at the installation; ours want their ports:
#
#     sudo systemctl disable --now prometheus prometheus-alertmanager
#
# Then http://127.0.0.1:9090/alerts. Data: RIDER_MONITORING_DIR, or ~/.local/share/rider-monitoring.
# Grafana is not in Debian: https://grafana.com/docs/grafana/latest/setup-grafana/installation/debian/ ; where
# grafana-server is installed, this starts it, too.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
data="${RIDER_MONITORING_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/rider-monitoring}"
prometheus_port="${PROMETHEUS_PORT:-9090}"
alertmanager_port="${ALERTMANAGER_PORT:-9093}"
target="${RIDER_TARGET:-127.0.0.1:8000}"
mkdir -p "$data"

for program in prometheus prometheus-alertmanager; do
    command -v "$program" >/dev/null || { echo "$program is missing: sudo apt-get install $program" >&2; exit 1; }
done
if command -v systemctl >/dev/null && systemctl is-active --quiet prometheus 2>/dev/null; then
    echo "Debian's own Prometheus runs already; to use ours: sudo systemctl disable --now prometheus prometheus-alertmanager" >&2
    exit 1
fi

# The files of this folder, with the ports and the panel of this call.
cp "$here"/*.rules.yml "$here/alertmanager.yml" "$data/"
sed -e "s/127\.0\.0\.1:9093/127.0.0.1:$alertmanager_port/" -e "s/127\.0\.0\.1:8000/$target/" \
    "$here/prometheus.yml" >"$data/prometheus.yml"

# What was started, and of these the programs whose end ends all.
started=()
needed=()
stop() { kill "${started[@]}" 2>/dev/null || true; wait || true; }
trap stop EXIT INT TERM

prometheus --config.file="$data/prometheus.yml" --storage.tsdb.path="$data/prometheus" \
    --web.listen-address="127.0.0.1:$prometheus_port" &
started+=($!) needed+=($!)
prometheus-alertmanager --config.file="$data/alertmanager.yml" --storage.path="$data/alertmanager" \
    --web.listen-address="127.0.0.1:$alertmanager_port" --cluster.listen-address= &
started+=($!) needed+=($!)
if command -v grafana-server >/dev/null && ! systemctl is-active --quiet grafana-server 2>/dev/null; then
    RIDER_PROMETHEUS_URL="http://127.0.0.1:$prometheus_port" RIDER_DASHBOARDS="$here/../grafana/dashboards" \
        GF_PATHS_PROVISIONING="$here/../grafana/provisioning" GF_PATHS_DATA="$data/grafana" \
        GF_SERVER_HTTP_ADDR=127.0.0.1 grafana-server --homepath /usr/share/grafana &
    started+=($!)
fi
echo "Prometheus: http://127.0.0.1:$prometheus_port/alerts   Alertmanager: http://127.0.0.1:$alertmanager_port"
wait -n "${needed[@]}"
