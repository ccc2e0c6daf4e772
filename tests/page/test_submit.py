"""Submitting: mistakes are found before a task is made, and no repeat makes a second one."""

from __future__ import annotations

import pytest

from tests.page.browser import Tab
from tests.page.stub import BROKEN, Answer, Service, problem

MISTAKE = "OPENQASM 3.0;\nqubit[2] q;\n  hh q[0];\n"
RIGHT = MISTAKE.replace("hh", "h")


@pytest.fixture
def form(tab: Tab, url: str) -> Tab:
    """Open the form."""
    tab.open(f"{url}/#/submit")
    tab.wait("!!document.querySelector('#circuit')")
    return tab


def keys(service: Service) -> list[str]:
    """Return the idempotency key of each submission that arrived."""
    return [asked.headers["idempotency-key"] for asked in service.requests("/tasks", "POST")]


def test_a_mistake_is_shown_with_its_place_and_its_correction_is_submitted(
    form: Tab, service: Service
) -> None:
    """The finding stands at its line, leads to the place in the text, and goes with its change."""
    form.fill("#circuit", MISTAKE)
    form.click("form button", "Submit")
    form.wait_for_text("The circuit is not valid: 1 finding", "#findings")
    (finding,) = form.texts("#findings li")
    assert finding.startswith("3:3 error there is no gate hh")
    assert form.texts(".gutter b") == ["3"]
    assert service.requests("/tasks", "POST") == []
    form.click("#findings button")
    selected = form.run(
        "(t => t.value.slice(t.selectionStart, t.selectionEnd + 1))(document.activeElement)"
    )
    assert selected == "hh"
    form.fill("#circuit", RIGHT)
    form.wait("document.querySelector('#findings').innerText === ''")
    form.fill("#shots", "2000")
    form.fill("#tags", "run=7\nname=a=b")
    form.click("form button", "Validate")
    form.wait_for_text("The circuit is valid", "#findings")
    form.wait_for_text("2 qubits; measured into c[2]", "#findings")
    assert service.tasks == {}
    form.click("form button", "Submit")
    form.wait_for_text("pending", "h1 + .badge")
    (task,) = service.tasks.values()
    assert (task["circuit"], task["shots"]) == (RIGHT, 2000)
    assert task["tags"] == {"run": "7", "name": "a=b"}
    assert form.run("location.hash") == f"#/tasks/{task['task_id']}"


def test_a_circuit_with_findings_can_be_submitted_all_the_same(form: Tab, service: Service) -> None:
    """The executor has the last word, not the validation."""
    form.fill("#circuit", MISTAKE)
    form.click("form button", "Validate")
    form.click("form button", "Submit anyway")
    form.wait_for_text("pending", "h1 + .badge")
    assert [task["circuit"] for task in service.tasks.values()] == [MISTAKE]


def test_a_stage_without_validation_still_takes_submissions(form: Tab, service: Service) -> None:
    """Where there is no such route, the task itself will tell."""
    service.instead["POST", "validations"] = [problem(403, "not-authorized", "no such path")]
    form.click("form button", "Submit")
    form.wait_for_text("pending", "h1 + .badge")
    assert len(service.tasks) == 1


def test_a_field_that_is_refused_is_named(form: Tab, service: Service) -> None:
    """All errors of a 400 are shown with their fields."""
    errors = [
        {"field": "shots", "message": "must be an integer from 1 to 100000; it was 0"},
        {"field": "tags", "message": "must be an object"},
    ]
    refusal = problem(400, "invalid-request", "2 fields are not valid", errors=errors)
    service.instead["POST", "validations"] = [refusal]
    form.click("form button", "Submit")
    form.wait_for_text("2 fields are not valid", ".alert[role=alert]")
    assert form.texts(".alert[role=alert] li") == [f"{e['field']} {e['message']}" for e in errors]
    assert service.tasks == {}


def test_a_tag_that_cannot_be_one_is_refused_at_once(form: Tab, service: Service) -> None:
    """The line is named, and nothing is asked."""
    form.fill("#tags", "good=1\nbad line")
    form.click("form button", "Submit")
    form.wait_for_text("This line is not: bad line", ".alert[role=alert]")
    assert service.asked == []


def test_a_submission_whose_answer_was_lost_is_repeated_with_its_key(
    form: Tab, service: Service
) -> None:
    """The same content has the same key until it was answered; other content has another."""
    service.instead["POST", "tasks"] = [BROKEN, BROKEN]
    form.click("form button", "Submit")
    form.wait_for_text("cannot make a second task", ".alert[role=alert]")
    form.click("form button", "Submit")
    form.wait("document.querySelector('[aria-disabled=true]') === null")
    form.fill("#shots", "11")
    form.click("form button", "Submit")
    form.wait_for_text("pending", "h1 + .badge")
    first, second, third = keys(service)
    assert first == second != third
    assert len(service.tasks) == 1


def test_a_task_that_was_kept_behind_a_503_is_shown(form: Tab, service: Service) -> None:
    """It will be executed, so it must not be submitted again."""
    kept = service.add()
    service.instead["POST", "tasks"] = [
        problem(503, "service-unavailable", "the queue did not answer", kept="yes", task_id=kept)
    ]
    form.click("form button", "Submit")
    form.wait_for_text("pending", "h1 + .badge")
    assert form.run("location.hash") == f"#/tasks/{kept}"


def test_no_submission_goes_out_before_retry_after(timed: Tab, service: Service, url: str) -> None:
    """The buttons wait and say how long."""
    throttled = problem(429, "throttled", "slow down")
    throttled.headers["Retry-After"] = "3"
    service.instead["POST", "validations"] = [throttled]
    timed.open(f"{url}/#/submit")
    timed.click("form button", "Submit")
    for seconds in (3, 2, 1):
        timed.wait_for_text(f"Try again in {seconds} s", ".alert[role=alert]")
        assert timed.run("document.querySelector('button.primary').disabled")
        timed.wait("timersDue()[0] === 1000")
        timed.run("advance(1000)")
    timed.wait("!document.querySelector('button.primary').disabled")
    timed.click("form button", "Submit")
    timed.wait_for_text("pending", "h1 + .badge")
    assert len(service.tasks) == 1


def test_two_clicks_are_one_task(form: Tab, service: Service) -> None:
    """Also when the second comes before the first was answered."""
    form.run("(b => { b.click(); b.click(); })(document.querySelector('button.primary'))")
    form.wait_for_text("pending", "h1 + .badge")
    assert len(service.tasks) == 1


def test_an_answer_that_is_no_json_is_an_error_and_not_a_blank_page(
    form: Tab, service: Service
) -> None:
    """A proxy on the way may answer with anything."""
    service.instead["POST", "validations"] = [Answer(200, None), Answer(500, None)]
    for _ in range(2):
        form.click("form button", "Validate")
        form.wait("!!document.querySelector('.alert[role=alert]')")
    assert service.tasks == {}
