"""Pages of the growth team: what is tested, what was learned, what to do next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response

from experiments import Decision, ExperimentError, PolicySpec, StopRule, plan, served_probabilities, what_if
from service import lineup
from service.arena import Opening, utc_now
from service.domain import Approval, Creative
from service.errors import InvalidInput, NotFound
from service.records import RunningTest, Scope, TestState
from service.storage.looking import events_after, find_decision, last_decisions, newest_tests

from . import reading, words
from .pictures_small import small
from .reading import Reading, Readings
from .web import Member, PageRoute, member_with

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Growth = Annotated[Member, Depends(member_with(Scope.GROWTH))]

PAGE = 12
POLL_S = 10
MOST_CREATIVES = 200
ROWS = 36  # ads in the list of a result
FIRST_ROWS = 8  # of them at once
RECENT = 12  # decisions at hand for an explanation
STATES = {
    TestState.DRAFT: ("Draft", ""),
    TestState.RUNNING: ("Running", "good"),
    TestState.PAUSED: ("Paused", "wait"),
    TestState.STOPPED: ("Stopped", ""),
}
VERDICTS = {"continue": ("Keep going", "note"), "ship": ("Ready to ship", "good"), "stop": ("Stop", "wait"),
            "fix": ("Look first", "bad")}  # fmt: skip
POLICIES = {
    "auto": ("Move traffic to what works", "More visitors see the better ads as soon as the numbers say so."),
    "top_two": ("Find the best with certainty", "Traffic goes to the two strongest until one is surely ahead."),
    "uniform": ("Split evenly", "Every ad gets the same share until you stop."),
}
METRICS = {"clicked": "Clicks", "converted": "Conversions", "value": "Value per impression"}


def readings(request: Request) -> Readings:
    kept: Readings | None = getattr(request.app.state, "page_readings", None)
    if kept is None:
        kept = request.app.state.page_readings = Readings(request.app.state.services)
    return kept


def look(who: Member, id: str, afresh: bool = False) -> Reading:
    return readings(who.request).of(who.workspace, id, utc_now(), afresh)


# --- the list ----------------------------------------------------------------------------------------------------


@router.get("/tests")
def list_page(who: Growth, after: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    page = newest_tests(who.services.database, who.workspace, after, PAGE)
    cards = [(test, readings(who.request).known(who.workspace, test.id)) for test in page.items]
    return who.page(
        "tests/list.html.j2",
        cards=[(test, _card(known) if known and known.test.state is test.state else None) for test, known in cards],
        following=page.next,
        is_first=after is None,
        states=STATES,
    )


@router.get("/tests/{id}/card")
def card(id: str, who: Growth) -> Response:
    """A card of the list with its verdict; worked out after the list is there."""
    found = look(who, id)
    return who.part("tests/card.html.j2", test=found.test, card=_card(found), states=STATES)


def _card(found: Reading) -> dict[str, Any]:
    letter = found.leader.letter if found.leader else ""
    return {
        "reading": found,
        "verdict": verdict(found),
        "spark": [row["share"] for row in found.share if row["arm"] == letter],
    }


def verdict(found: Reading) -> dict[str, str]:
    """What to do now: a word, its tone, one sentence, and the reason behind it."""
    result, state = found.result, found.test.state
    names = {view.id: f"ad {view.letter}" if view.letter else view.name for view in found.arms}
    why = reading.in_words(result.verdict.reason, names)
    why = why if why.endswith(".") else f"{why}."
    word, tone = VERDICTS[result.verdict.action]
    leader, lift = found.leader, result.policy_lift
    if state is TestState.DRAFT:
        return {"word": "Not started", "tone": "", "sentence": "Ready to start: nothing was shown yet.", "why": ""}
    if not result.exposures:
        sentence = "Waiting for the first impression." if state is TestState.RUNNING else "Nothing was ever shown."
        return {"word": "No data yet", "tone": "", "sentence": sentence, "why": ""}
    earned = ""
    if lift and lift.sequence.low > 0:
        earned = f" Moving traffic has earned {words.lift(lift.lift_rel)} so far."
    name = "" if leader is None else f"ad {leader.letter} ({leader.name})" if leader.letter else leader.name
    chance = words.chance(leader.result.probability_best) if leader else ""
    if result.verdict.action == "fix":
        sentence = "The ads were not shown in the shares that were decided; find out why before reading any number."
    elif state is TestState.STOPPED:
        word, tone = "Ended", ""
        sentence = f"{name} came out ahead: best with {chance} probability.{earned}"
    elif result.verdict.action == "ship":
        sentence = f"{name} has won: best with {chance} probability, and little left to lose.{earned}"
    elif result.verdict.action == "stop":
        sentence = f"The agreed end is reached; {name} leads with {chance} probability.{earned}"
    else:
        sentence = f"Still learning: {name} leads, best with {chance} probability.{earned}"
    sentence = f"{sentence[:1].upper()}{sentence[1:]}"
    return {"word": word, "tone": tone, "sentence": sentence, "why": why}


# --- a new one -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """What was asked for, as text, so that a form that was refused comes back as it was."""

    name: str = ""
    creatives: tuple[str, ...] = ()
    combine: str = ""
    policy: str = "auto"
    metric: str = "clicked"
    floor: str = "5"
    holdout: str = "10"
    landing_page: str = ""
    max_exposures: str = ""
    max_days: str = ""
    loss: str = "1"
    rate: str = "2"
    lift: str = "20"
    traffic: str = "5000"

    @classmethod
    def of(cls, who: Member) -> Form:
        texts = {name: who.text(name) for name in cls.__dataclass_fields__ if name != "creatives" and name in who.form}
        return cls(**texts, creatives=who.texts("creatives"))

    def number(self, field: str, least: float, most: float) -> float:
        """A number of the form. Raises InvalidInput with the field's name."""
        text = getattr(self, field).replace(",", "").replace("%", "").strip()
        try:
            value = float(text)
        except ValueError:
            raise InvalidInput(field, f"{text or 'nothing'!r} is not a number") from None
        if not least <= value <= most:
            raise InvalidInput(field, f"{value:g} is not between {least:g} and {most:g}")
        return value

    def optional(self, field: str, least: float, most: float) -> float | None:
        return self.number(field, least, most) if getattr(self, field) else None

    def opening(self) -> Opening:
        """Raises InvalidInput."""
        if not self.name:
            raise InvalidInput("name", "give it a name that says what it is to find out")
        if not self.creatives:
            raise InvalidInput("creatives", "choose at least one ad")
        if len(self.creatives) < 2:
            raise InvalidInput("creatives", "one ad alone cannot be compared; choose two or more")
        combine = self.combine == "yes"
        kind: Any = ("factorial" if combine else "thompson") if self.policy == "auto" else self.policy
        if kind not in ("factorial", "thompson", "top_two", "uniform"):
            raise InvalidInput("policy", "choose how traffic moves")
        if self.metric not in METRICS:
            raise InvalidInput("metric", "choose what counts")
        exposures, days = self.optional("max_exposures", 1, 1e10), self.optional("max_days", 0.01, 3650)
        metric: Any = self.metric
        return Opening(
            name=self.name[:500],
            creatives=self.creatives,
            combine=combine,
            policy=PolicySpec(kind=kind),
            metric=metric,
            floor=self.number("floor", 0, 100) / 100,
            holdout=self.number("holdout", 0, 100) / 100,
            landing_page=self.landing_page or None,
            stop=StopRule(
                max_exposures=int(exposures) if exposures else None,
                max_seconds=days * 86_400 if days else None,
                expected_loss_rel=self.number("loss", 0.01, 100) / 100,
            ),
        )


@router.get("/tests/new")
def new_test(who: Growth, product: Annotated[str | None, Query(max_length=128)] = None) -> Response:
    return _new_page(who, Form(), product=product)


@router.post("/tests/new")
def open_test(who: Growth) -> Response:
    form = Form.of(who)
    try:
        opening = form.opening()
        if opening.landing_page:
            from service.api.experiments import web_page

            web_page(opening.landing_page)
        test = who.services.arena.open(who.workspace, opening, utc_now())
    except InvalidInput as error:
        return _new_page(who, form, error)
    except ValueError as error:
        return _new_page(who, form, InvalidInput("landing_page", str(error)))
    return who.go(f"/tests/{test.id}", "The draft is here. Look it over, then start it.")


def _new_page(who: Member, form: Form, error: InvalidInput | None = None, product: str | None = None) -> Response:
    found = _approved(who, product)
    problem = {} if error is None else {_field_of(error, form): error.reason}
    return who.page(
        "tests/new.html.j2",
        422 if error else 200,
        form=form,
        problem=problem,
        groups=_by_product(who, found),
        is_cut=len(found) == MOST_CREATIVES,
        policies=POLICIES,
        metrics=METRICS,
        plan=_plan(form, {creative.id: creative for creative in found}),
    )


def _field_of(error: InvalidInput, form: Form) -> str:
    """The field of the form that a refusal is about."""
    head = error.field.split(".")[0]
    return head if head in form.__dataclass_fields__ else "name"


def _approved(who: Member, product: str | None = None) -> list[Creative]:
    page = who.store.creatives.page(None, MOST_CREATIVES, product, Approval.APPROVED)
    return list(page.items)


def _by_product(who: Member, creatives: list[Creative]) -> list[tuple[str, list[tuple[Creative, str]]]]:
    groups: dict[str, list[tuple[Creative, str]]] = {}
    for creative in creatives:
        groups.setdefault(creative.product_id, []).append((creative, small(who, creative.picture_key, 192)))
    return sorted(groups.items())


@router.post("/tests/new/plan")
def plan_ahead(who: Growth) -> Response:
    """What the form as it stands will need: for htmx, at every change."""
    form = Form.of(who)
    known = {c.id: c for c in who.store.creatives.get_many(form.creatives[:MOST_CREATIVES])} if form.creatives else {}
    return who.part("tests/plan.html.j2", plan=_plan(form, known))


def _plan(form: Form, known: dict[str, Creative]) -> dict[str, Any]:
    """How many ads, how many impressions, how many days: or what is still missing."""
    chosen = [known[id] for id in form.creatives if id in known]
    n_arms, n_levels, shape = len(chosen), None, ""
    if form.combine == "yes" and chosen:
        parts = (
            len({c.headline or "" for c in chosen}),
            len({str(c.layout.get("bare_picture_key")) for c in chosen}),
            len({c.call_to_action or "" for c in chosen}),
        )
        n_arms, n_levels = parts[0] * parts[1] * parts[2], sum(n for n in parts if n > 1)
        names = (("headline", "headlines"), ("picture", "pictures"), ("call to action", "calls to action"))
        counted = [words.count(n, one, many) for n, (one, many) in zip(parts, names, strict=True)]
        shape = f"{' × '.join(counted)} = {words.count(n_arms, 'combination')}"
    if n_arms < 2:
        return {"n_arms": n_arms, "shape": shape, "problem": "Choose two ads or more to see how long it will take."}
    try:
        found = plan(
            form.number("rate", 0.001, 99) / 100,
            form.number("lift", 0.1, 1000) / 100,
            n_arms=n_arms,
            exposures_per_day=form.number("traffic", 1, 1e10),
            n_effects=n_levels if n_levels and n_levels > 1 else None,
        )
    except InvalidInput as error:
        return {
            "n_arms": n_arms,
            "shape": shape,
            "problem": f"{PLAN_FIELDS.get(error.field, error.field)}: {error.reason}",
        }
    except ExperimentError as error:
        return {"n_arms": n_arms, "shape": shape, "problem": str(error)}
    return {
        "n_arms": n_arms,
        "shape": shape,
        "problem": "",
        "found": found,
        "lift": form.lift,
        "enough": _enough(form, found),
    }


PLAN_FIELDS = {"rate": "Rate today", "lift": "Smallest difference", "traffic": "Impressions a day"}


def _enough(form: Form, found: Any) -> str:
    """A word of warning when the stop rule ends the test before it can know."""
    try:
        most = form.optional("max_exposures", 1, 1e10)
        days = form.optional("max_days", 0.01, 3650)
    except InvalidInput:
        return ""
    if most and most < found.total:
        return f"Your stop rule ends it at {words.number(most)} impressions: too early to be sure of that."
    if days and days < found.days:
        return f"Your stop rule ends it after {days:g} days: too early to be sure of that."
    return ""


# --- one experiment ------------------------------------------------------------------------------------------------


@router.get("/tests/{id}")
def one_page(id: str, who: Growth) -> Response:
    found = look(who, id)
    context = _context(who, found)
    name = "tests/draft.html.j2" if found.test.state is TestState.DRAFT else "tests/show.html.j2"
    context["seen"] = _digest(who, context)
    return who.page(name, **context, history=_history(who, id), recent=_recent(who, found))


def _recent(who: Member, found: Reading) -> list[tuple[Decision, str]]:
    names = {view.id: view.name for view in found.arms}
    log = last_decisions(who.services.database, who.workspace, found.test.id, RECENT)
    return [(decision, names.get(decision.arm, decision.arm)) for decision in log]


@router.get("/tests/{id}/live")
def live(id: str, who: Growth, seen: Annotated[str, Query(max_length=64)] = "") -> Response:
    """The part of the page that changes; 204 when it has not."""
    context = _context(who, look(who, id))
    digest = _digest(who, context)
    if digest == seen:
        return Response(status_code=204)
    return who.part("tests/live.html.j2", **{**context, "seen": digest})


def _digest(who: Member, context: dict[str, Any]) -> str:
    text = bytes(who.part("tests/live.html.j2", **{**context, "seen": ""}).body)
    return hashlib.sha256(text).hexdigest()[:16]


def _context(who: Member, found: Reading) -> dict[str, Any]:
    views = found.arms[:ROWS]
    top = max((min(v.result.rate_sequence.high, 3 * v.result.credible.high) for v in views), default=1.0) or 1.0
    return {
        "found": found,
        "test": found.test,
        "verdict": verdict(found),
        "figures": readings(who.request).figures(who.workspace, found) if found.result.exposures else {},
        "views": views,
        "first_rows": FIRST_ROWS,
        "left_out": len(found.arms) - len(views),
        "top": top,
        "pictures": {view.id: small(who, view.showing.picture_key, 192) for view in views},
        "factors": reading.factor_levels(found),
        "names_of_levels": {
            (level.factor, level.level): reading.picture_words(level.level)
            if level.factor == "picture"
            else f"“{level.level}”"
            for level in found.result.levels
        },
        "lineup": True,
        "sentences": sentences(found),
        "quality": quality(who, found),
        "notes": found.result.notes,
        "states": STATES,
        "poll_s": POLL_S,
        "seen": "",
    }


def sentences(found: Reading) -> list[str]:
    """What the factors do, the clear ones first; then pairs that surprise."""
    levels = [level for of_factor in reading.factor_levels(found).values() for level in of_factor]
    clear = [level for level in levels if level.interval.low > 0 or level.interval.high < 0]
    spoken = [reading.level_sentence(level) for level in sorted(clear, key=lambda level: -abs(level.effect_rel))]
    spoken += [reading.in_words(pair.sentence.replace("_", " "), {}) + "." for pair in found.result.pairs[:6]]
    return spoken or ([] if not levels else ["No headline, picture or call to action stands out clearly yet."])


OUTCOMES = {
    "accepted": ("Counted", "Events that count."),
    "late": ("Late", "Came after the attribution window: kept, not counted."),
    "duplicate": ("Sent twice", "The same event id again: counted once."),
    "future": ("From the future", "Their clock was ahead of ours: refused."),
    "early": ("Before their decision", "They claim to precede what caused them: refused."),
    "unknown": ("Without a decision", "They name no decision of this test: refused."),
}
ALWAYS = ("accepted", "late", "duplicate", "future", "unknown")
MARKS = {"bot": "Robots", "burst": "Faster than a person", "prefetch": "Loaded ahead of time", "head": "Looked up only"}


def quality(who: Member, found: Reading) -> dict[str, Any]:
    """Whether the numbers can be trusted: the split, and what became of everything that came in."""
    ratio, total = found.result.sample_ratio, sum(found.events.values())
    rows = [
        (*OUTCOMES.get(outcome, (outcome.replace("_", " ").capitalize(), "")), n, n / total if total else 0.0)
        for outcome, n in found.events.items()
        if n or outcome in ALWAYS
    ]
    marked = who.services.log.quality(who.workspace, found.test.id)
    names = {view.id: view.name for view in found.arms}
    return {
        "ratio": ratio,
        "worst": names.get(ratio.worst_arm, ratio.worst_arm) if ratio else "",
        "rows": rows,
        "marks": [
            (MARKS.get(mark, mark), n, marked.marked_events.get(mark, 0), mark in marked.counted_marks)
            for mark, n in marked.marked_decisions.items()
        ],
        "out_of_order": marked.out_of_order,
        "unknown": found.unknown,
        "unseen": max(0, found.decisions - int(found.result.exposures)),
    }


def _history(who: Member, id: str) -> list[Any]:
    keys = {key.id: key.name for key in who.services.keys.of(who.workspace)}
    entries = [entry for entry in who.store.audit(500) if entry.thing_id == id]
    return [(entry, keys.get(entry.actor, entry.actor)) for entry in entries[:20]]


# --- what one does with it -------------------------------------------------------------------------------------------


@router.post("/tests/{id}/start")
def start(id: str, who: Growth) -> Response:
    who.services.arena.start(who.workspace, id, who.key.id, utc_now())
    return who.go(f"/tests/{id}", "It runs: visitors see it from now on.", undo=f"/tests/{id}/pause")


@router.post("/tests/{id}/pause")
def pause(id: str, who: Growth) -> Response:
    who.services.arena.pause(who.workspace, id, who.key.id, utc_now())
    return who.go(f"/tests/{id}", "Paused: nothing is decided until it goes on.", undo=f"/tests/{id}/start")


@router.post("/tests/{id}/stop")
def stop(id: str, who: Growth) -> Response:
    who.services.arena.stop(who.workspace, id, who.key.id, utc_now())
    return who.go(f"/tests/{id}", "Stopped for good. What was learned stays here.")


@router.post("/tests/{id}/ship")
def ship(id: str, who: Growth) -> Response:
    arm = who.text("arm")
    lineup.ship(who.services.arena, who.store, id, arm, who.key.id, utc_now())
    name = reading.arm_names(who.store.tests.get(id)).get(arm, arm)
    return who.go(f"/tests/{id}", f"Everybody sees {name} from now on.", undo=f"/tests/{id}/take-back")


@router.post("/tests/{id}/take-back")
def take_back(id: str, who: Growth) -> Response:
    lineup.take_back(who.services.arena, who.store, id, who.key.id, utc_now())
    return who.go(f"/tests/{id}", "The paused ads are in again.")


@router.post("/tests/{id}/arms/{arm}")
def change_arm(id: str, arm: str, who: Growth) -> Response:
    state = who.text("to")
    lineup.set_arms(who.services.arena, who.store, id, {arm: state}, who.key.id, utc_now())
    name = reading.arm_names(who.store.tests.get(id)).get(arm, arm)
    said = {"paused": "rests until you let it in again", "active": "is in again", "retired": "is out for good"}
    back = {"paused": "active", "active": "paused"}.get(state)
    undo = f"/tests/{id}/arms/{quote(arm)}/{back}" if back else None
    return who.go(f"/tests/{id}", f"{name} {said[state]}.", undo=undo)


@router.post("/tests/{id}/arms/{arm}/{state}")
def undo_arm(id: str, arm: str, state: str, who: Growth) -> Response:
    lineup.set_arms(who.services.arena, who.store, id, {arm: state}, who.key.id, utc_now())
    return who.go(f"/tests/{id}", "It is as it was.")


@router.get("/tests/{id}/challengers")
def choose_challengers(id: str, who: Growth) -> Response:
    return _challengers_page(who, who.store.tests.get(id))


def _challengers_page(who: Member, test: RunningTest, problem: str = "") -> Response:
    here = {id for showing in test.showings for ids in showing.vouchers.values() for id in ids}
    products = sorted({showing.product_id for showing in test.showings})
    found = [c for product in products for c in _approved(who, product) if c.id not in here]
    return who.page(
        "tests/challengers.html.j2",
        422 if problem else 200,
        test=test,
        groups=_by_product(who, found),
        combined=not all(showing.is_typeset for showing in test.showings),
        problem=problem,
    )


@router.post("/tests/{id}/challengers")
def add_challengers(id: str, who: Growth) -> Response:
    before = who.store.tests.get(id)
    try:
        creatives = who.texts("creatives")
        test = lineup.challenge(who.services.arena, who.store, id, creatives, who.key.id, utc_now())
    except InvalidInput as error:
        return _challengers_page(who, before, f"{error.reason[:1].upper()}{error.reason[1:]}.")
    joined = len(test.plan.arms) - len(before.plan.arms)
    return who.go(f"/tests/{id}", f"{words.count(joined, 'ad')} joined; each starts from what is known of its parts.")


# --- what if, and why -------------------------------------------------------------------------------------------------


@router.post("/tests/{id}/what-if")
def ask_what_if(id: str, who: Growth) -> Response:
    """What would have been earned with these ads only? An answer with its interval, or a refusal that says why."""
    test, tables, evidence = who.services.arena.evidence(who.workspace, id)
    wanted = _wanted(who, test)
    answer: dict[str, Any] = {"n": len(wanted), "of": len(test.plan.arms)}
    names = reading.arm_names(test)
    answer["names"] = [names[arm] for arm in wanted[:4]]
    if not wanted:
        answer["refusal"] = "Tick at least one ad."
    elif test.plan.metric == "value":
        answer["refusal"] = "This question is answered for clicks and conversions, not for values."
    else:
        try:
            answer["found"] = what_if(evidence.cohorts(tables), wanted)
        except ExperimentError as error:
            answer["refusal"] = reading.in_words(str(error), names).replace("this target", "these ads")
    return who.part("tests/what_if.html.j2", answer=answer, metric=reading.METRICS.get(test.plan.metric, ("", ""))[0])


def _wanted(who: Member, test: RunningTest) -> list[str]:
    """The arms that the form names: one by one, or by what they are made of."""
    chosen = set(who.texts("arm"))
    if chosen or who.text("by") != "level":
        return [arm.id for arm in test.plan.arms if arm.id in chosen]
    wanted = {factor.name: set(who.texts(f"level-{factor.name}")) for factor in test.plan.factors}
    return [
        arm.id
        for arm in test.plan.arms
        if arm.levels and all(not levels or arm.levels[name] in levels for name, levels in wanted.items())
        if any(wanted.values())
    ]


@router.get("/tests/{id}/why")
def why(id: str, who: Growth, decision: Annotated[str, Query(max_length=128)] = "") -> Response:
    """A decision in words: what was likely then, what was drawn, what followed."""
    test = who.store.tests.get(id)
    try:
        found, mark = find_decision(who.services.database, who.workspace, id, decision.strip())
    except NotFound:
        problem = "No decision of this test has that id. Ids begin with d and stand in the answer to every decide."
        return who.part("tests/why.html.j2", problem=problem)
    table = who.store.tests.tables(id, found.weight_version - 1).get(found.weight_version)
    names = reading.arm_names(test)
    shares: list[tuple[str, float]] = []
    if table is not None:
        served = served_probabilities(table, found.segment, found.available)
        shares = sorted(zip(table.arms, served.tolist(), strict=True), key=lambda row: -row[1])
        shares = [(arm, share) for arm, share in shares if share > 0.0]
    place = next((i for i, (arm, _) in enumerate(shares) if arm == found.arm), None)
    kept = [row for i, row in enumerate(shares) if i < 5 or row[0] == found.arm]
    return who.part(
        "tests/why.html.j2",
        problem="",
        decision=found,
        name=names.get(found.arm, found.arm),
        picture=small(who, who.services.arena.showing(who.workspace, id, found.arm).picture_key, 192),
        rank=None if place is None else "highest" if place == 0 else f"{_ordinal(place + 1)} highest",
        n_arms=len(shares),
        row=[(names.get(arm, arm), share, arm == found.arm) for arm, share in kept],
        mark=mark,
        lines=_reasons(test, found, len(shares), table.time if table else None),
        events=events_after(who.services.database, who.workspace, found.id),
    )


def _reasons(test: RunningTest, found: Decision, n_arms: int, made: float | None) -> list[str]:
    """Where the chance came from."""
    plan, lines = test.plan, []
    if found.is_holdout:
        part = words.percent(plan.holdout, 0)
        lines.append(f"This visitor belonged to the yardstick of {part}, who see every ad equally often.")
    elif plan.policy.kind == "uniform":
        lines.append("Traffic is split evenly, so every ad had the same chance.")
    else:
        lines.append("The chance follows from what was known at that time: likely winners were shown more often.")
        if n_arms:
            least = plan.floor * (1 - plan.holdout) / n_arms + plan.holdout / n_arms
            lines.append(f"No ad in play is ever shown to fewer than {words.percent(least, 2)} of visitors.")
    if made is not None:
        lines.append(f"Weights version {found.weight_version} was worked out {words.moment(made)}.")
    if found.available is not None:
        lines.append(f"Only {words.count(len(found.available), 'ad')} could be shown to this visitor.")
    return lines


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


@router.get("/tests/{id}/results.{format}")
def results(id: str, format: str, who: Growth) -> Response:
    """The result to take along: what ``/v1/experiments/{id}/results`` gives, for somebody who is signed in."""
    from service.api.access import Caller
    from service.api.experiments import FORMATS, results_as

    if format not in FORMATS:
        raise NotFound("result format", format)
    return results_as(Caller(who.key, who.services), id, format)
