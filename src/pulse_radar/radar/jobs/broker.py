"""TaskIQ's broker on JetStream, made to outlive its server and to lease what it delivers."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Any, Final

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from taskiq import AckableMessage, BrokerMessage
from taskiq_nats import PullBasedJetStreamBroker

from pulse_radar.brokers.nats.client import SecureClient
from pulse_radar.errors import BrokerRefused, BrokerUnavailable
from pulse_radar.jobs.requeue import ATTEMPT
from pulse_radar.radar.jobs.lease import LEASE_SECONDS, LeasedMessage
from pulse_radar.radar.jobs.names import JobNames

__all__ = ["MAX_DELIVERIES", "JobBroker"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# A job over which so many workers died would kill the next one, too. The job itself says that it gives up; the
# server stops a little later, for jobs that cannot even say that.
MAX_DELIVERIES: Final = 5

# A pull that waits longer is lost for so long when the server restarts (taskiq-nats waits for ever by default).
_PULL_SECONDS: Final = 3.0

_CONNECT_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.5

# Jobs that nobody took within a week are forgotten, rather than filling the disk.
_KEPT_SECONDS: Final = 7 * 24 * 3600


class JobBroker(PullBasedJetStreamBroker):
    """The queue of jobs on a NATS server: a stream that workers pull from and that forgets what is done."""

    def __init__(self, url: str, names: JobNames, stopping: asyncio.Event, **access: Any) -> None:
        """`access`: what the client library needs to be let in."""
        super().__init__(
            servers=[server.strip() for server in url.split(",")],
            subject=names.subject,
            stream_name=names.stream,
            durable=names.workers,
            stream_config=StreamConfig(
                name=names.stream,
                subjects=[names.subject],
                retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE,
                max_age=_KEPT_SECONDS,
            ),
            consumer_config=ConsumerConfig(
                durable_name=names.workers,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=LEASE_SECONDS,
                max_deliver=2 * MAX_DELIVERIES,
            ),
            pull_consume_timeout=_PULL_SECONDS,
            # For ever, and noticing a dead connection in seconds: the defaults give up after two minutes.
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            ping_interval=2,
            max_outstanding_pings=2,
            error_cb=_note,
            **access,
        )
        # One that speaks no word before TLS, where TLS is wanted.
        self.client = SecureClient()  # type: ignore[misc]  # nobody has used the other one yet
        self.names: Final = names
        # Set when this worker is to end: jobs that can be left in the middle look at it.
        self.stopping: Final = stopping

    async def startup(self) -> None:
        """Connect, and make the stream. Raises: BrokerUnavailable, BrokerRefused; then nothing is left running."""
        try:
            await self._start()
        except BaseException:
            await self.shutdown()
            raise

    async def _start(self) -> None:
        try:
            # The client itself would wait for its first connection for ever.
            async with asyncio.timeout(_CONNECT_SECONDS):
                await super().startup()
        except nats.js.errors.APIError as error:
            raise BrokerRefused(f"the broker refuses a stream for jobs: {error}") from error
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise BrokerUnavailable(f"no NATS server took our connection for jobs: {error!r}") from error

    async def kick(self, message: BrokerMessage) -> None:
        """Queue a job. Raises: BrokerUnavailable, when it is not known to be queued."""
        # Its id and attempt: a job whose acknowledgement was lost is queued once, however often it is tried.
        labels = message.labels
        counts = (labels.get(label, 0) for label in (ATTEMPT, "_retries", "X-Taskiq-requeue"))
        attempt = ".".join(map(str, counts))
        headers = {"Nats-Msg-Id": f"{message.task_id}.{attempt}"}
        try:
            await self.js.publish(self.subject, message.message, headers=headers)
        except (nats.errors.Error, nats.js.errors.APIError) as error:
            raise BrokerUnavailable(f"the job {message.task_id} could not be queued: {error!r}") from error

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Jobs as they come, for ever, also over restarts of the server."""
        try:
            while True:
                message = await self._fetch()
                if message is not None:
                    yield LeasedMessage.of(message)
        finally:
            # The server still holds our last pull: without this it would deliver the next job to nobody.
            with contextlib.suppress(nats.errors.Error):
                await self.consumer.unsubscribe()

    async def _fetch(self) -> Msg | None:
        """The next job, or None after a while without any."""
        try:
            [message] = await self.consumer.fetch(1, timeout=self.pull_consume_timeout)
        except nats.errors.TimeoutError:
            return None
        except nats.errors.Error as error:
            _log.warning("jobs cannot be fetched right now: %r", error)
            await asyncio.sleep(_PAUSE_SECONDS)
            await self._declare_again()
            return None
        return message

    async def _declare_again(self) -> None:
        """Make stream and consumer once more, in case the server lost its data."""
        try:
            await self.consumer.unsubscribe()
            await self._add_or_reuse_stream()
            await self._startup_consumer()
        except nats.errors.Error as error:
            _log.warning("the stream of jobs is not there: %r", error)

    def __repr__(self) -> str:
        return f"<JobBroker {self.stream_name}>"


async def _note(error: Exception) -> None:
    _log.info("connection for jobs: %r", error)
