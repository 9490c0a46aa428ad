"""`make bench`: fills a database of its own in .local/bench, starts the real stack with two web workers, and measures
each task beside a thin Django view, arms taken in turn, median of three, with one client and with eight.

Prints a table and writes bench/results/latest.json. Not a test: figures are read by people."""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import codes
from sdv import embedded

ROOT = Path(__file__).resolve().parent.parent
FOLDER = embedded.LOCAL_FOLDER / "bench"
PORT = int(os.environ.get("SDV_BENCH_PORT", "8765"))
ROUNDS, SECONDS, TASK_AIMS = 3, 4, {"number": 4, "name": 6, "day": 6, "appointment": 7, "encounter": 3.5}
SCALE = float(os.environ.get("SDV_BENCH_SCALE", "1"))


def main():
    embedded.ensure_environment(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["SDV_DATABASE_POOL"] = "4"
    import django

    django.setup()
    from django.core.management import call_command

    began = time.monotonic()
    call_command("migrate", database="owner", verbosity=0, skip_checks=True)
    facts = prepare()
    print(f"Fyllt på {time.monotonic() - began:.0f} s", flush=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    results = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "discharge": discharge(facts)}
    results["imports"] = codes.prepare()
    results["codes"] = codes.search()
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "sdv.wsgi", "--workers=2", "--threads=4", f"--bind=127.0.0.1:{PORT}"],
        cwd=ROOT,
        env=os.environ | {"SDV_LOG_LEVEL": "INFO"},
        stderr=(FOLDER / "web.log").open("w"),
    )
    try:
        wait_for_web()
        results["tasks"] = [measure(task, facts, clients) for task in TASK_AIMS for clients in (1, 8)]
        results["memory"] = memory(web.pid)
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait()
    report(results)
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(results, indent=1, ensure_ascii=False))


def prepare():
    """The filled world; kept in .local/bench between runs, but for what a run itself writes."""
    from django.core.management import call_command
    from django.db import connections

    from bench import fill
    from registration.models import ContactReason, Encounter, Patient, PatientIdentity
    from scheduling.models import Resource
    from sdv.accounts import tokens
    from sdv.accounts.models import User
    from sdv.organisation.models import CareUnit

    if not User.objects.filter(username="bench").exists():
        call_command("load_catalogues", verbosity=0)
        world = fill.world()
        fill.patients(int(fill.PATIENTS * SCALE))
        reason = ContactReason.objects.get(code="uppfoljning-ospecificerad")
        fill.encounters(world["unit"], world["visit_type"], reason, int(fill.ENCOUNTERS * SCALE))
    unit, user = CareUnit.objects.get(short_name="Mät"), User.objects.get(username="bench")
    with connections["owner"].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_appointment")
        cursor.execute(
            "CREATE TABLE bench_appointment (LIKE scheduling_appointment INCLUDING DEFAULTS INCLUDING INDEXES)"
        )
        cursor.execute("GRANT SELECT, INSERT ON bench_appointment TO sdv")
        cursor.execute(
            "CREATE TRIGGER log_insert AFTER INSERT ON bench_appointment REFERENCING NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION " + log_function(cursor)
        )
        cursor.execute("VACUUM ANALYZE")
    busiest = (
        Encounter.objects.filter(care_unit=unit, status="ended")
        .values_list("start", flat=True)
        .order_by("-start")[:1000]
    )
    days = {}
    for start in busiest:
        days[start.date()] = days.get(start.date(), 0) + 1
    return {
        "token": tokens.create(user=user, label="bench"),
        "unit": str(unit.pk),
        "numbers": list(PatientIdentity.objects.values_list("value", flat=True).order_by("id")[:2000]),
        "patients": [str(pk) for pk in Patient.objects.values_list("pk", flat=True).order_by("id")[:20000]],
        "encounters": [str(pk) for pk in Encounter.objects.filter(care_unit=unit).values_list("pk", flat=True)[:2000]],
        "resources": [str(pk) for pk in Resource.objects.filter(care_unit=unit).values_list("pk", flat=True)],
        "days": sorted(days),
        "next": int(time.time()) % 1000,
    }


def log_function(cursor):
    """The product's own change-log function of the appointment table, so that both INSERTs write the same log row."""
    cursor.execute(
        "SELECT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE t.tgrelid = 'scheduling_appointment'::regclass AND t.tgname LIKE 'pgtrigger_log_insert%'"
    )
    return cursor.fetchone()[0] + "()"


# --- The job ----------------------------------------------------------------------------------------------------


BY_HAND = """
WITH ended AS (
    UPDATE registration_encounter SET status = 'ended',
        "end" = ((start AT TIME ZONE 'Europe/Stockholm')::date + time '23:59') AT TIME ZONE 'Europe/Stockholm',
        checked_out_at = GREATEST(planned_end, start), is_check_out_automatic = true, version = version + 2
    WHERE status = 'in_progress' AND type_id = 'primarvard' AND start < now() - interval '12 hours'
    RETURNING id, patient_id, type_id, version, "end", checked_out_at
), checked_out AS (
    INSERT INTO registration_encounterhistory (id, encounter_id, move, source, target, type_before, type_after, by_id, at, reason)
    SELECT uuidv7(), id, 'check_out', 'in_progress', 'checked_out', type_id, type_id, NULL, checked_out_at, 'Automatisk utcheckning'
    FROM ended
), discharged AS (
    INSERT INTO registration_encounterhistory (id, encounter_id, move, source, target, type_before, type_after, by_id, at, reason)
    SELECT uuidv7(), id, 'discharge', 'checked_out', 'ended', type_id, type_id, NULL, "end", 'Automatisk utskrivning' FROM ended
)
INSERT INTO outbox_outboxmessage (id, topic, subject_id, patient_id, payload)
SELECT uuidv7(), 'encounter-ended', id, patient_id, jsonb_build_object('encounter_type', type_id, 'version', version) FROM ended
"""


def discharge(facts):
    """Auto-discharge of 50 000 due encounters beside one statement by hand that writes the same rows."""
    from django.db import connection

    from bench import fill
    from registration.actions import clock
    from sdv.common.time import now
    from sdv.organisation.models import CareUnit

    unit, count = CareUnit.objects.get(pk=facts["unit"]), int(50_000 * SCALE)
    times = {"job": [], "by hand": []}
    for _ in range(ROUNDS):
        for arm in times:
            fill.due_encounters(unit, count)
            began = time.monotonic()
            if arm == "job":
                ended, _ = clock.auto_discharge(at=now())
            else:
                with connection.cursor() as cursor:
                    cursor.execute(BY_HAND)
                    ended = cursor.rowcount
            times[arm].append(time.monotonic() - began)
            if ended != count:
                raise SystemExit(f"{arm}: {ended} avslutade av {count}")
    medians = {arm: statistics.median(values) for arm, values in times.items()}
    return {"count": count, "seconds": medians, "ratio": medians["job"] / medians["by hand"]}


# --- The tasks ----------------------------------------------------------------------------------------------------


def requests_of(task, facts, arm, serial):
    """(method, path, body) of the task's next request in one of the two arms."""
    is_thin = arm == "thin"
    if task == "number":
        body = {"identity": facts["numbers"][serial % len(facts["numbers"])]}
        return "POST", "/thin/number/" if is_thin else "/api/v1/patients/search/", body
    if task == "name":
        word = ("ander", "johan", "karl", "nils", "erik")[serial % 5]
        return "POST", "/thin/name/" if is_thin else "/api/v1/patients/search/?page_size=20", {"name": word}
    if task == "day":
        day = facts["days"][serial % len(facts["days"])]
        if is_thin:
            later = day + timedelta(days=1)
            return "GET", f"/thin/day/?care_unit={facts['unit']}&from={day}T00:00Z&to={later}T00:00Z", None
        return "GET", f"/api/v1/appointments/?care_unit={facts['unit']}&date={day}&page_size=60", None
    if task == "encounter":
        pk = facts["encounters"][serial % len(facts["encounters"])]
        return "GET", f"/thin/encounter/{pk}/" if is_thin else f"/api/v1/encounters/{pk}/", None
    start = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=2 + serial // 2000)
    start += timedelta(minutes=5 * (serial // 20 % 100))
    body = {"patient": facts["patients"][serial % len(facts["patients"])], "care_unit": facts["unit"]}
    body |= {"start": start.isoformat(), "end": (start + timedelta(minutes=5)).isoformat()}
    if not is_thin:
        body |= {
            "visit_type": "pv-ssk-aterbesok",
            "contact_reason": "uppfoljning-ospecificerad",
            "resources": [facts["resources"][serial % len(facts["resources"])]],
        }
    return "POST", "/thin/appointment/" if is_thin else "/api/v1/appointments/", body


def client(task, facts, arm, serials, until, times, faults):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    headers = {"Authorization": f"Bearer {facts['token']}", "Content-Type": "application/json"}
    while time.monotonic() < until:
        method, path, body = requests_of(task, facts, arm, next(serials))
        began = time.perf_counter()
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        if answer.status >= 400:
            faults.append(answer.status)


def measure(task, facts, clients):
    """Median of three p50s for each arm, the arms in turn."""
    medians, faults, counted = {"ours": [], "thin": []}, [], 0
    for _ in range(ROUNDS):
        for arm in medians:
            times = []
            serials = iter(lambda: facts.__setitem__("next", facts["next"] + 1) or facts["next"], None)
            until = time.monotonic() + SECONDS
            threads = [
                threading.Thread(target=client, args=(task, facts, arm, serials, until, times, faults))
                for _ in range(clients)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            medians[arm].append(statistics.median(times) * 1000)
            counted += len(times)
    ours, thin = statistics.median(medians["ours"]), statistics.median(medians["thin"])
    return {
        "task": task,
        "clients": clients,
        "ours_ms": round(ours, 2),
        "thin_ms": round(thin, 2),
        "ratio": round(ours / thin, 2),
        "aim": TASK_AIMS[task],
        "requests": counted,
        "faults": len(faults),
        "fault_statuses": sorted(set(faults)),
    }


def memory(parent):
    """PSS in MiB of each web worker, after the thousands of requests of the measurement."""
    workers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=True)
    sizes = []
    for pid in workers.stdout.split():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                sizes.append(round(int(line.split()[1]) / 1024, 1))
    return {"pss_mib": sizes, "aim": 150}


def wait_for_web():
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=1)
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("Webbservern svarade inte.")


def report(results):
    print(
        f"{'uppgift':12} {'klienter':>8} {'vår p50':>9} {'tunn p50':>9} {'kvot':>6} {'mål':>5} {'anrop':>7} {'fel':>4}"
    )
    for row in results["tasks"]:
        print(
            f"{row['task']:12} {row['clients']:8} {row['ours_ms']:7.2f}ms {row['thin_ms']:7.2f}ms {row['ratio']:6.2f}"
            f" {row['aim']:5} {row['requests']:7} {row['faults']:4} {row['fault_statuses'] or ''}"
        )
    job = results["discharge"]
    print(
        f"auto-discharge av {job['count']}: jobbet {job['seconds']['job']:.2f} s, för hand {job['seconds']['by hand']:.2f} s,"
        f" kvot {job['ratio']:.2f} (mål 1.5)"
    )
    codes.report(results["codes"], results["imports"])
    print(f"minne per webbprocess, PSS: {results['memory']['pss_mib']} MiB (mål {results['memory']['aim']})")


if __name__ == "__main__":
    main()
