"""A product team talking in English."""

from typing import Final

from pulse_radar.testing.telegram_exports.language import Language, Person, Subject

__all__ = ["ENGLISH"]

_SUBJECTS: Final = (
    Subject(
        "job queue",
        "job-queue",
        "why do some jobs run twice after a deploy?",
        (
            "a worker that dies gives its job back after thirty seconds",
            "the queue keeps jobs on disk, so a restart loses none of them",
            "half of all jobs finish in under two hundred milliseconds",
        ),
        ("one stream per topic", "one stream for everything"),
        "write down what happens to a job whose worker is killed",
    ),
    Subject(
        "search index",
        "search-index",
        "how stale may the search results be?",
        (
            "a full rebuild of the index takes forty minutes",
            "most people search for something that was written this week",
            "the index needs three times the memory of the messages in it",
        ),
        ("rebuild the index every night", "update the index on every write"),
        "measure how long an update of a single document takes",
    ),
    Subject(
        "backups",
        "backups",
        "when did we last restore a backup and not only make one?",
        (
            "the last full restore took two hours and ten minutes",
            "the backups of March were empty because the disk was full",
            "a copy in a second region costs about ninety euros a month",
        ),
        ("a restore drill every month", "a restore drill before each release"),
        "restore last night's backup on the spare machine",
    ),
    Subject(
        "login on phones",
        "mobile-login",
        "why are people asked to log in again every morning?",
        (
            "the token expires after eight hours and nobody renews it",
            "every third ticket this month was about the login",
            "old phones reject the new certificate chain",
        ),
        ("tokens that renew themselves", "a login that lasts thirty days"),
        "try the login on the three oldest phones in the drawer",
    ),
    Subject(
        "alerts at night",
        "night-alerts",
        "which alerts really have to wake somebody up?",
        (
            "nine of ten alerts at night resolve themselves within five minutes",
            "the disk alert fires a whole day before the disk is full",
            "nobody has acted on the memory alert since last summer",
        ),
        ("page only when users notice", "page on every error"),
        "go through last month's alerts and mark the useless ones",
    ),
    Subject(
        "pricing page",
        "pricing",
        "do people understand what the team plan includes?",
        (
            "two thirds of the visitors leave at the comparison table",
            "the yearly price is shown only after the login",
            "customers ask for an invoice more often than for a discount",
        ),
        ("two plans and no table", "three plans with a short table"),
        "ask five customers to explain the plans in their own words",
    ),
)

ENGLISH: Final = Language(
    people=(
        Person(411200300, "Ann Keller", "ann_k"),
        Person(411208219, "Tom Ashby", "tashby"),
        Person(411216138, "Priya Nair", "priya_n"),
        Person(411224057, "Joel Stone", "joelstone"),
        Person(411231976, "Grace Obi", "grace_obi"),
        Person(411239895, "Leo Marsh", "leo_m"),
    ),
    days=("Monday", "Wednesday", "Friday", "Tuesday morning", "the 14th"),
    subjects=_SUBJECTS,
    questions=(
        "Quick question about the {name}: {question}",
        "{name}, again: {question}",
        "Has anyone looked into this: {question}",
        "I was asked this again today: {question}",
    ),
    claims=(
        "I measured it: {fact}.",
        "As far as I know {fact}.",
        "According to the logs {fact}.",
        "It is in the report, {fact}.",
        "Careful, {fact}. I checked twice.",
    ),
    choices=(
        "So what do we want, {option} or {other}?",
        "My vote: {option}. The other way we have tried before ({other}).",
        "Both would work, {option} or {other}. The first is simpler.",
    ),
    decisions=(
        "Decision: {option}. We start on {day}.",
        "Agreed then: {option}. The fallback is: {other}.",
        "We decided in the call: {option} for now, and we look at it again on {day}.",
    ),
    tasks=(
        "{who}, could you {task}? Needed by {day}.",
        "TODO for {who}: {task}, until {day}.",
        "{who}, please {task}. I will do the same for the staging system.",
    ),
    links=(
        "I put my notes on the {name} here: {url}",
        "Worth reading before {day}: {url}",
        "The numbers are in {url} (second chart).",
    ),
    chatter=(
        "Good morning!",
        "Thanks, that helps.",
        "Back in ten minutes",
        "Ha, I knew it 😄",
        "Sounds good to me.",
        "Sorry, I was in a meeting. Reading up now.",
        "👍",
        "Lunch?",
        "Nice work, everybody.",
    ),
    asides=(
        "This is {bold:really important}: do not deploy on Friday.",
        "It is {italic:almost} done.",
        "The {underline:second} chart, not the first.",
        "The meeting is at {strikethrough:ten} eleven.",
        "Run {code:make test} before you push.",
        "This is all it takes:\n{pre:for job in queue:\n    job.run()}",
        "Nobody tell Tom: {spoiler:the cake is in the kitchen}",
        "{blockquote:We never lost a message.} So they said.",
        "Here is the {text_link:design document}, comments welcome.",
        "Is {link:https://status.example.org} down for you, too?",
        "Ask {mention:@release_desk}, they know.",
        "{mention_name:Grace} has the key to the server room.",
        "All of it is under {hashtag:#retrospective}.",
        "{cashtag:$EXMP} fell by two percent today.",
        "{bot_command:/oncall} shows who has the pager.",
        "Send the contract to {email:office@example.org}",
        "The hotline is {phone:+44 20 7946 0958}",
        "Use the test card {bank_card:4242 4242 4242 4242} for that.",
        "Shipped {custom_emoji:🚀}",
        "Whatever this is: {unknown:◇}",
    ),
)
