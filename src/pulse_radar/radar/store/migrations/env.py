"""What Alembic runs for each of its commands: the migrations, on the connection that it is given."""

from alembic import context

from pulse_radar.radar.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite changes a table by making another one.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
