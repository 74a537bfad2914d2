"""What the demo region draws from: invented names, and conditions, medicines, goals, tasks of primary care.

Codes: ICPC-1 NL, SNOMED CT, ATC, LOINC. All Dutch texts were written for this region.
"""

from __future__ import annotations

from typing import NamedTuple

from fhirhub.resources import guide

# Family names that nobody will take for real, in enough variety that a search by name finds a few.
STEMS = (
    "Proef",
    "Test",
    "Demo",
    "Oefen",
    "Fictie",
    "Model",
    "Schijn",
    "Verzon",
    "Bedacht",
    "Voorbeeld",
    "Nep",
)
ENDINGS = (
    "stra", "ma", "man", "huis", "veld", "berg", "dijk", "hof", "kamp", "sen", "inga", "meijer", "boer",
    "bakker", "visser", "mulder", "brink", "horst", "wijk", "land",
)  # fmt: skip
PREFIXES = ("", "", "", "", "", "van", "van der", "de", "ter", "van den")
WOMEN = (
    "Anna", "Maria", "Johanna", "Cornelia", "Hendrika", "Elisabeth", "Wilhelmina", "Petronella", "Grietje",
    "Trijntje", "Annie", "Riet", "Corrie", "Ineke", "Tineke", "Joke", "Ria", "Willy", "Gerda", "Hennie",
    "Nel", "Truus", "Bep", "Fatima", "Khadija", "Sevim", "Soraya", "Lien", "Marga", "Thea", "Toos", "Wil",
)  # fmt: skip
MEN = (
    "Jan", "Piet", "Kees", "Henk", "Gerrit", "Willem", "Johannes", "Cornelis", "Hendrik", "Jacobus", "Dirk",
    "Klaas", "Wim", "Ton", "Theo", "Bert", "Gerard", "Frans", "Joop", "Sjaak", "Koos", "Arie", "Bram",
    "Ahmed", "Mohamed", "Hasan", "Ravi", "Leo", "Nico", "Rinus", "Jaap", "Cor",
)  # fmt: skip
STREETS = (
    "Proeflaan",
    "Testweg",
    "Voorbeeldstraat",
    "Oefenplein",
    "Modelkade",
    "Demodreef",
    "Fictiepad",
    "Schijnsingel",
)
TOWNS = ("Voorbeeldstad", "Proefdorp", "Oefenhuizen", "Testerveen")


class Medicine(NamedTuple):
    atc: str
    name: str
    dose: int
    unit: str
    times_a_day: int
    text: str


class Disease(NamedTuple):
    """A chronic condition; `measures` names the home measurements that go with it."""

    icpc: str
    icpc_name: str
    snomed: str
    snomed_name: str
    share_percent: int
    measures: tuple[str, ...]
    medicines: tuple[Medicine, ...]


METFORMIN = Medicine(
    "A10BA02", "Metformine tablet 500 mg", 1, "tablet", 2, "2x per dag 1 tablet, bij de maaltijd"
)
GLICLAZIDE = Medicine(
    "A10BB09", "Gliclazide tablet mga 30 mg", 1, "tablet", 1, "1x per dag 1 tablet, bij het ontbijt"
)
TIOTROPIUM = Medicine(
    "R03BB04", "Tiotropium inhalatiepoeder 18 microgram", 1, "inhalatie", 1, "1x per dag 1 inhalatie"
)
SALBUTAMOL = Medicine(
    "R03AC02", "Salbutamol aerosol 100 microgram", 2, "inhalatie", 4, "zo nodig 4x per dag 2 inhalaties"
)
APIXABAN = Medicine("B01AF02", "Apixaban tablet 5 mg", 1, "tablet", 2, "2x per dag 1 tablet")
METOPROLOL = Medicine("C07AB02", "Metoprolol tablet mga 50 mg", 1, "tablet", 1, "1x per dag 1 tablet")
FUROSEMIDE = Medicine(
    "C03CA01", "Furosemide tablet 40 mg", 1, "tablet", 1, "1x per dag 1 tablet, in de ochtend"
)
LISINOPRIL = Medicine("C09AA03", "Lisinopril tablet 10 mg", 1, "tablet", 1, "1x per dag 1 tablet")
AMLODIPINE = Medicine("C08CA01", "Amlodipine tablet 5 mg", 1, "tablet", 1, "1x per dag 1 tablet")
SIMVASTATIN = Medicine(
    "C10AA01", "Simvastatine tablet 40 mg", 1, "tablet", 1, "1x per dag 1 tablet, voor de nacht"
)
PARACETAMOL = Medicine("N02BE01", "Paracetamol tablet 500 mg", 2, "tablet", 3, "3x per dag 2 tabletten")
SERTRALINE = Medicine("N06AB06", "Sertraline tablet 50 mg", 1, "tablet", 1, "1x per dag 1 tablet")
RIVASTIGMINE = Medicine("N06DA03", "Rivastigmine capsule 3 mg", 1, "capsule", 2, "2x per dag 1 capsule")
LEVODOPA = Medicine("N04BA02", "Levodopa/carbidopa tablet 100/25 mg", 1, "tablet", 3, "3x per dag 1 tablet")
CLOPIDOGREL = Medicine("B01AC04", "Clopidogrel tablet 75 mg", 1, "tablet", 1, "1x per dag 1 tablet")
ALENDRONATE = Medicine(
    "M05BA04", "Alendroninezuur tablet 70 mg", 1, "tablet", 1, "1x per week 1 tablet, nuchter"
)
VITAMIN_D = Medicine("A11CC05", "Colecalciferol capsule 800 IE", 1, "capsule", 1, "1x per dag 1 capsule")

DISEASES = (
    Disease("T90.02", "Diabetes mellitus type 2", "44054006", "Diabetes mellitus type 2", 45,
            ("glucose", "weight"), (METFORMIN, GLICLAZIDE, SIMVASTATIN)),
    Disease("R95", "Emfyseem/COPD", "13645005", "Chronic obstructive pulmonary disease", 30,
            ("saturation",), (TIOTROPIUM, SALBUTAMOL)),
    Disease("K78", "Boezemfibrilleren/-fladderen", "49436004", "Atrial fibrillation", 25,
            ("pressure",), (APIXABAN, METOPROLOL)),
    Disease("K77", "Decompensatio cordis", "84114007", "Heart failure", 25,
            ("weight", "pressure"), (FUROSEMIDE, LISINOPRIL)),
    Disease("K86", "Hypertensie zonder orgaanbeschadiging", "38341003", "Hypertensive disorder", 50,
            ("pressure",), (LISINOPRIL, AMLODIPINE)),
    Disease("L90", "Gonartrose", "239873007", "Osteoarthritis of knee", 30, (), (PARACETAMOL,)),
    Disease("P76", "Depressie", "35489007", "Depressive disorder", 15, (), (SERTRALINE,)),
    Disease("P70", "Dementie", "52448006", "Dementia", 15, (), (RIVASTIGMINE,)),
    Disease("N87", "Parkinsonisme", "49049000", "Parkinson's disease", 6, (), (LEVODOPA,)),
    Disease("U99.01", "Nierfunctiestoornis/nierinsufficiëntie", "709044004", "Chronic kidney disease", 15,
            ("pressure", "weight"), (LISINOPRIL,)),
    Disease("K90", "Cerebrovasculair accident (CVA)", "230690007", "Cerebrovascular accident", 12,
            ("pressure",), (CLOPIDOGREL, SIMVASTATIN)),
    Disease("L95", "Osteoporose", "64859006", "Osteoporosis", 15, (), (ALENDRONATE, VITAMIN_D)),
    Disease("A05", "Algehele achteruitgang", "248279007", "Frailty", 20, ("weight",), ()),
)  # fmt: skip

ALLERGIES = (
    ("91936005", "Allergy to penicillin", "Penicilline", "medication", "247472004", "Wheal", "Galbulten"),
    ("91934008", "Allergy to nut", "Noten", "food", "267036007", "Dyspnea", "Benauwdheid"),
    ("300916003", "Allergy to latex", "Latex", "environment", "271807003", "Eruption of skin", "Huiduitslag"),
    (
        "293586001",
        "Allergy to aspirin",
        "Acetylsalicylzuur",
        "medication",
        "267036007",
        "Dyspnea",
        "Benauwdheid",
    ),
)


def _names(system: str) -> dict[str, str]:
    """The concepts of one of the guide's code systems by code, children after their parent."""
    found = guide.find("CodeSystem", guide.url("CodeSystem", system))
    if found is None:
        raise LookupError(f"The guide has no CodeSystem {system}")
    names: dict[str, str] = {}
    for concept in found["concept"]:
        names[concept["code"]] = concept["display"]
        names |= {child["code"]: child["display"] for child in concept.get("concept", [])}
    return names


DIMENSIONS = tuple(_names("positive-health-dimension").items())
ROLES = _names("role")
TASKS = _names("task")


class Aim(NamedTuple):
    """A goal in the person's words, what is done for it, and the home measurement it is held against."""

    dimension: str
    text: str
    by_patient: bool
    measure: str | None
    activity: str
    who: str  # a key of the plan's possible performers
    timing: tuple[int, int, str] | None = None  # how often, in which period, as the activity says it


AIMS = (
    Aim("lichaamsfuncties", "Ik wil weer zonder rusten naar de winkel kunnen lopen.", True, None,
        "Tweemaal per week oefenen met lopen, elke week een stukje verder", "patient", (2, 1, "wk")),
    Aim("lichaamsfuncties", "Bloeddruk thuis gemiddeld onder 140/90 mmHg.", False, "pressure",
        "Thuis bloeddruk meten, een keer per week, en de waarden doorgeven", "patient", (1, 1, "wk")),
    Aim("lichaamsfuncties", "Gewicht stabiel houden.", False, "weight",
        "Wekelijks wegen, op dezelfde dag en voor het ontbijt", "patient", (1, 1, "wk")),
    Aim("lichaamsfuncties", "Nuchtere glucose tussen 4,5 en 8 mmol/l.", False, "glucose",
        "Nuchtere glucose meten en bespreken bij de praktijkondersteuner", "poh"),
    Aim("lichaamsfuncties", "Zuurstofsaturatie in rust boven 90 %.", False, "saturation",
        "Saturatie meten bij klachten en elke week op een vast moment", "patient", (1, 1, "wk")),
    Aim("lichaamsfuncties", "Ik wil 's nachts minder wakker worden van de pijn.", True, None,
        "Pijnmedicatie op vaste tijden en na vier weken samen bekijken", "huisarts"),
    Aim("mentaal-welbevinden", "Ik wil minder piekeren over wat er nog komt.", True, None,
        "Gesprekken met de praktijkondersteuner, om de drie weken", "poh", (1, 3, "wk")),
    Aim("mentaal-welbevinden", "Ik wil leren omgaan met mijn vergeetachtigheid.", True, None,
        "Weekkalender en vaste plekken voor spullen, samen met de wijkverpleegkundige", "wijkverpleging"),
    Aim("zingeving", "Ik wil weer iets voor een ander betekenen.", True, None,
        "Kennismaken met vrijwilligerswerk in het buurthuis", "welzijn"),
    Aim("zingeving", "Ik wil bespreken wat ik nog wel en niet meer wil als ik zieker word.", True, None,
        "Gesprek over behandelwensen met de huisarts en iemand die mij na staat", "huisarts"),
    Aim("kwaliteit-van-leven", "Ik wil mij veilig voelen in huis, ook als ik alleen ben.", True, None,
        "Huis nalopen op valgevaar en persoonsalarm aanvragen", "wijkverpleging"),
    Aim("kwaliteit-van-leven", "Ik wil weer kunnen genieten van mijn tuin.", True, None,
        "Hulp bij het zware tuinwerk via het welzijnswerk", "welzijn"),
    Aim("meedoen", "Ik wil een keer per week onder de mensen zijn.", True, None,
        "Meedoen met de koffieochtend in de wijk", "welzijn"),
    Aim("meedoen", "Ik wil mijn kleinkinderen vaker zien zonder dat het te zwaar wordt.", True, None,
        "Vaste middag afspreken en vooraf rusten", "carer"),
    Aim("dagelijks-functioneren", "Ik wil mijzelf kunnen blijven wassen en aankleden.", True, None,
        "Hulp bij het douchen, driemaal per week, zo veel mogelijk zelf doen", "wijkverpleging", (3, 1, "wk")),
    Aim("dagelijks-functioneren", "Medicijnen op tijd en zonder vergissingen innemen.", False, None,
        "Medicijnrol met uitleg, en nalopen welke medicijnen nog nodig zijn", "wijkverpleging"),
)  # fmt: skip


class Errand(NamedTuple):
    """What one party asks of another."""

    code: str
    description: str
    owner: str
    urgent_percent: int


ERRANDS = (
    Errand("wijkverpleging-aan-huis",
           "Graag hulp bij de persoonlijke verzorging en het innemen van medicijnen.", "wijkverpleging", 15),
    Errand("medebehandeling",
           "Graag meekijken: vallen, vergeetachtigheid en veel medicijnen.", "specialist", 10),
    Errand("consult",
           "Kunt u adviseren over de medicatie bij toenemende verwardheid?", "specialist", 20),
    Errand("welzijn-op-recept",
           "Mevrouw of meneer zoekt gezelschap en een dagbesteding in de buurt.", "welzijn", 0),
    Errand("vragenlijst",
           "Wilt u de vragenlijst over uw gezondheid invullen voor ons gesprek?", "patient", 0),
    Errand("thuismeten",
           "Wilt u elke week thuis meten en de uitslag doorgeven?", "patient", 0),
    Errand("jaarcontrole",
           "Jaarlijkse controle plannen: bloed, bloeddruk, voeten en gesprek.", "poh", 0),
    Errand("medicatiebeoordeling",
           "Medicijnen nalopen: wat kan stoppen, wat kan eenvoudiger?", "huisarts", 5),
    Errand("boodschappen",
           "Zware boodschappen doen, eens per week.", "carer", 0),
    Errand("mdo-voorbereiden",
           "Open vragen verzamelen voor het overleg van volgende maand.", "poh", 0),
)  # fmt: skip


MESSAGES = (
    (
        "poh",
        "wijkverpleging",
        "Is de wond aan het been al rustiger? Wij zien de patiënt donderdag op het spreekuur.",
    ),
    (
        "wijkverpleging",
        "huisarts",
        "De enkels zijn dikker dan vorige week en het gewicht is twee kilo hoger. Graag overleg.",
    ),
    ("patient", "poh", "Ik heb deze week beter geslapen. Mag ik het oefenen uitbreiden?"),
    ("carer", "wijkverpleging", "Ik ben volgende week niet in de buurt. Kan er iemand extra langskomen?"),
    (
        "huisarts",
        "specialist",
        "Dank voor het advies; ik heb het middel afgebouwd. Over twee weken evalueer ik.",
    ),
    ("wijkverpleging", "patient", "Wij komen vanaf maandag een half uur later, om half negen."),
    ("poh", "patient", "Uw metingen zien er goed uit. We bespreken ze bij de volgende afspraak."),
    ("welzijn", "poh", "De kennismaking is geweest; er is een plek in de groep van dinsdagochtend."),
)

VISITS = (
    ("Voortgangsgesprek zorgplan", "poh", 30),
    ("Jaarcontrole", "poh", 30),
    ("Huisbezoek", "huisarts", 20),
    ("Multidisciplinair overleg", "huisarts", 45),
    ("Huisbezoek specialist ouderengeneeskunde", "specialist", 60),
)

RELATIONS = (
    ("DAU", "natural daughter", "dochter", "female"),
    ("SON", "natural son", "zoon", "male"),
    ("WIFE", "wife", "echtgenote", "female"),
    ("HUSB", "husband", "echtgenoot", "male"),
    ("NBOR", "neighbor", "buurvrouw", "female"),
    ("FRND", "unrelated friend", "vriend", "male"),
)
