"""The demo's first half: policies published, files taken in, firms matched, told, and heard."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from app import auth
from app.db import read, transaction
from app.demo.budget import PURSES
from app.demo.city import DEMO_DAY
from app.demo.course import Course, moment, password_hash
from app.demo.mail import mail_server
from app.demo.people import officers
from app.work.confirm import answer, confirm
from app.work.deliver import deliver_once
from app.work.history import histories
from app.work.match import Matched, match_everyone, store_sweep
from app.work.notify import Draft, question_draft, write
from app.work.offers import judge, offer
from app.work.publish import publish_folder
from app.work.take_in import take_in
from app.work.tell import offer_drafts
from ledger.bulk import chunks
from ledger.purses import Channel
from matching.deliveries import read_delivery_note
from matching.evaluate import deciding_unknowns
from matching.facts import Facts
from matching.profile_store import accounts_of, profiles
from matching.verdicts import VerdictKind
from policies.benefits import Benefit
from policies.library import live_benefits
from policies.vocabulary import Field, load_vocabulary

CONFIRMING_PER_CENT = 88
ANSWERING_PER_CENT = 35
FIRMS_A_STEP = 200


def publish_catalogue(run: Course) -> None:
    """Bring in the officers and publish the catalogue, written by one and reviewed by another."""
    with transaction(run.engine) as connection:
        for person in officers():
            auth.add_user(
                connection,
                username=person.username,
                display_name=person.display_name,
                password_hash=password_hash(),
                grants_=person.grants,
                at=moment(7),
            )
        published = publish_folder(connection, by="bianzhi", reviewed_by="shenhe", at=moment(7, 5))
    run.figures["benefits"] = published.benefits
    run.figures["documents"] = published.documents


def take_in_files(run: Course) -> None:
    """Take in every delivery of the note in its order, each in a transaction of its own."""
    inbox = run.folder / "inbox"
    totals = {"records_in": 0, "records_rejected": 0, "linked_by_name": 0, "link_queue": 0}
    refused: list[str] = []
    for number, delivery in enumerate(read_delivery_note(inbox / "交接单.json")):
        with transaction(run.engine) as connection:
            report = take_in(
                connection, delivery, inbox / delivery.file, at=moment(8, number), match=False
            ).report
        if report.repeated:
            continue
        totals["records_in"] += report.rows_read
        totals["records_rejected"] += report.rows_rejected
        totals["linked_by_name"] += report.linked_by_name
        totals["link_queue"] += report.queued
        if report.state == "refused":
            refused.append(delivery.file)
    run.figures |= totals | {"files_refused": refused}


def match_firms(run: Course) -> Matched:
    """Match everyone and keep the sweep."""
    matched = match_everyone(
        run.engine, as_of=DEMO_DAY, known_at=moment(9), processes=os.cpu_count() or 1
    )
    with transaction(run.engine) as connection:
        store_sweep(connection, matched)
    run.figures["firms"] = matched.firms
    run.figures["verdicts"] = {
        "eligible": len(matched.eligible),
        "undetermined": len(matched.undetermined),
        "ineligible": matched.ineligible,
    }
    return matched


def notify_firms(run: Course, matched: Matched) -> None:
    """Offer what is certain, ask the one thing that is missing, and send it all by mail."""
    vocabulary = load_vocabulary()
    benefits = {b.id: b for b in matched.benefits}
    asked: dict[str, tuple[int, Draft]] = {}
    for decision in matched.undetermined:
        benefit = benefits[decision.benefit_id]
        if not decision.payable or len(decision.missing) != 1 or not benefit.window_open(DEMO_DAY):
            continue
        entry = vocabulary.get(decision.missing[0])
        if entry is None or not entry.is_declared:
            continue
        run.questions[decision.uscc].append(decision.benefit_id)
        worth = decision.award_high_fen or 0
        if decision.uscc not in asked or asked[decision.uscc][0] < worth:
            draft = question_draft(
                decision.uscc,
                benefit,
                period=str(DEMO_DAY.year),
                question_zh=entry.question_zh,
                field=entry.code,
            )
            asked[decision.uscc] = (worth, draft)
    with transaction(run.engine) as connection:
        drafts = [draft for _, draft in asked.values()]
        for key, draft in offer_drafts(connection, matched):
            run.offers[draft.uscc].append(key)
            drafts.append(draft)
        write(connection, drafts, at=moment(9, 30))
    send_mail(run)


def send_mail(run: Course) -> None:
    """Send what waits in the outbox to a real mail server on loopback."""
    with mail_server(run.folder / "mail.mbox") as (host, port):
        relay = run.settings.model_copy(update={"smtp_host": host, "smtp_port": port})
        deliver_once(run.engine, relay)


def answer_questions(run: Course) -> None:
    """Some firms answer the one question they were asked; what it decides is matched at once."""
    random = Random(f"{run.seed}/answers")
    vocabulary = load_vocabulary()
    answered = decided = 0
    for uscc in sorted(run.questions)[: 40 + run.firms // 50]:
        if random.randrange(100) >= ANSWERING_PER_CENT:
            continue
        with transaction(run.engine) as connection:
            asked = offer(connection, uscc, run.questions[uscc][0], as_of=DEMO_DAY)
            unknown = next(deciding_unknowns(asked.verdict.root))
            entry = vocabulary[unknown.field]
            changes = answer(
                connection,
                uscc=uscc,
                field=entry.code,
                period=unknown.period,
                value=_plausible(entry, random),
                at=moment(10),
                as_of=DEMO_DAY,
            )
        answered += 1
        for change in changes:
            if change.after is VerdictKind.ELIGIBLE and change.due_fen:
                run.offers[uscc].append(change.benefit_id)
                decided += 1
    run.figures["questions_answered"] = answered
    run.figures["decided_by_answers"] = decided


def _plausible(entry: Field, random: Random) -> Any:
    """Return what a firm might answer to a question of this type."""
    kind = entry.type.value
    if kind == "bool":
        return True
    if kind == "money":
        return random.randrange(5, 60) * 1_000_000
    if kind == "code":
        return entry.codes[0].code if entry.codes else ""
    return random.randrange(2, 40)


def confirm_offers(run: Course) -> None:
    """Firms confirm amount and account, each as its own case; some do not answer at all."""
    random = Random(f"{run.seed}/confirm")
    heroes = set((run.truth.parts if run.truth else {}).values())
    confirmed = without_account = 0
    with read(run.engine) as connection:
        benefits = {b.id: b for b in live_benefits(connection, DEMO_DAY)}
    for group in chunks(sorted(run.offers), FIRMS_A_STEP):
        with transaction(run.engine) as connection:
            accounts = accounts_of(connection, group)
            past = histories(connection, group)
            for profile in profiles(connection, usccs=group):
                uscc = profile.uscc
                facts = Facts(profile, load_vocabulary(), DEMO_DAY)
                keys = sorted(run.offers[uscc])
                # Who signs in to look around should still find something to confirm.
                spare = _left_open(keys, benefits) if uscc in heroes else set()
                for key in keys:
                    if key in spare or random.randrange(100) >= CONFIRMING_PER_CENT:
                        continue
                    if not accounts.get(uscc):
                        without_account += 1
                        continue
                    found = judge(benefits[key], facts, past[uscc])
                    if not found.claimable or found.due_fen is None:
                        continue
                    number = confirm(
                        connection,
                        uscc=uscc,
                        benefit_id=key,
                        account_no=accounts[uscc][0].account_no,
                        shown_fen=found.due_fen,
                        by=f"firm:{uscc}",
                        at=moment(11),
                        as_of=DEMO_DAY,
                        prepared=found,
                    )
                    past[uscc] = past[uscc].with_claim(connection, number)
                    confirmed += 1
    run.figures["claims_confirmed"] = confirmed
    run.figures["waiting_for_account"] = without_account


def _left_open(keys: Sequence[str], benefits: Mapping[str, Benefit]) -> set[str]:
    """Return up to two offers to leave unconfirmed; those paid by bank file are all taken up."""
    bank = {purse.code for purse in PURSES if purse.channel is Channel.BANK_FILE}
    spare = [key for key in keys if benefits[key].purse not in bank]
    return set(spare[-2:]) if len(keys) > 2 else set()
