"""How many messages of an ingestion its agent left to the default extraction, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingestions", sa.Column("fallbacks", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("ingestions", sa.Column("fallback_reason", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("ingestions", "fallback_reason")
    op.drop_column("ingestions", "fallbacks")
