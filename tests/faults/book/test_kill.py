"""Kill -9 and SIGSTOP at random moments under load: nothing is lost, nothing done twice, recovery needs no hands."""

import asyncio

import pytest

from tests.faults.book.crew import Crew, finish_work, prove
from tests.faults.book.load import LEASE_US, loaded_engine, open_accounts

pytestmark = [pytest.mark.faults, pytest.mark.slow]


async def prove_after(crew, url, publish):
    async with loaded_engine(url, "prover") as engine:
        await finish_work(engine)
        proof = await prove(engine, crew.acknowledged())
    publish(kills=crew.kills, stalls=crew.stalls, lives=crew.starts, lost=0, **proof._asdict())
    assert proof.acknowledged > 100


async def test_killed_processes_lose_nothing_on_a_file(tmp_path, fault_seconds, fault_seed, publish):
    url = f"sqlite:///{tmp_path / 'book.sqlite'}"
    await open_accounts(url)
    with Crew(url, ["one"], fault_seed, tmp_path) as crew:
        await asyncio.to_thread(crew.run, fault_seconds)
    await prove_after(crew, url, publish)


async def test_killed_processes_that_share_a_database_and_their_ids_lose_nothing(
    tmp_path, migrated_dsn, fault_seconds, fault_seed, publish
):
    await open_accounts(migrated_dsn)
    with Crew(migrated_dsn, ["one", "two"], fault_seed, tmp_path) as crew:
        await asyncio.to_thread(crew.run, fault_seconds)
    await prove_after(crew, migrated_dsn, publish)


async def test_processes_that_stand_still_for_longer_than_their_leases_do_nothing_twice(
    tmp_path, migrated_dsn, fault_seconds, fault_seed, publish
):
    await open_accounts(migrated_dsn)
    with Crew(migrated_dsn, ["one", "two"], fault_seed, tmp_path) as crew:
        await asyncio.to_thread(crew.run, fault_seconds, stall_s=3 * LEASE_US / 1e6)
    await prove_after(crew, migrated_dsn, publish)
