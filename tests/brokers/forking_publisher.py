"""A program that publishes, forks and publishes again, as a prefork server does: forking_publisher.py URL."""

import os
import sys

from pulse_radar import SyncPublisher

publisher = SyncPublisher(sys.argv[1])
publisher.publish("tasks", "task_done", {}, key="parent")
child = os.fork()
if child == 0:
    publisher.publish("tasks", "task_done", {}, key="child")
    publisher.close()
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
publisher.publish("tasks", "task_done", {}, key="parent-again")
publisher.close()
sys.exit(status)
