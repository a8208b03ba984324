"""Where a bot that reads along goes on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingestions", sa.Column("next_update", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("ingestions", "next_update")
