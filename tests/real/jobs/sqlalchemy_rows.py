"""Rows through SQLAlchemy's mapper into SQLite and back."""

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Blob(Base):
    __tablename__ = "blobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[bytes]


def main():
    engine = create_engine("sqlite:///blobs.sqlite")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Blob(body=bytes([i]) * (1 << 20)) for i in range(16))
        session.commit()
    with Session(engine) as session:
        rows = session.scalars(select(Blob.body))
        bodies = rows.all()  # holds 16 MiB within 10%: with SQLite's pages
        count = session.scalar(select(func.count(Blob.id)))
    kept = b"x" * (24 << 20)  # holds 24 MiB
    print(count, sum(map(len, bodies)), len(kept))


main()
