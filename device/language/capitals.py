"""Words that stand with a capital and are no names."""

from __future__ import annotations

_EVERYDAY = """
    a about ad advert after again all also an and another any anybody anyone anything as ask at
    because before best big both but by call can can't code confirm could delivery did do does
    don't each either every everybody everyone everything few final first for free friend from
    get give going good half has have he he'll he's her here his how i i'd i'll i'm i've if in
    is it it's its just keep last late later leave let likely many may maybe me meeting message
    more most mr mrs ms my need needs neither new next no nobody none nor not nothing now of off
    ok okay on once one only or other others our out over parcel party payment people please
    police possible possibly rent reply right same says scam school see she she'll she's should
    so some somebody someone something soon sorry spam still stranger suspicious take tell than
    thank thanks that that's the their them then there these they they'll they're third this
    those to today tomorrow tonight two under unknown until up update urgent us very wait want
    wants was we we'll we're were what what's when where whether which while who who's whoever
    why will with won't work would yes yesterday yet road rd street st highway grade high you
    you'll you're you've your yours
"""
EVERYDAY = frozenset(_EVERYDAY.split())
"""Words that say nothing by standing with a capital."""
_OPENING = """
    alarm allotment angry answer answers apparently appointment approve arrange arrives asks avoid
    baby badminton be bike bikes birthday book booking bowling boys breakfast bring bus buy buyer
    captain car cars cast cat change check choose class coach coast collect come confirms correction
    cover cricket decide delay delayed dinner dog drinks driver eat editor electric else embargoed
    enter everything exam fake father feed fetch filming fire fishing fives flat flight fog food
    full game gearbox girls gone group hail held help house housekeeping invitation invite invoice
    join keys kids landing landlord leak leaves left lesson lift likes lizard lost lunch mail market
    match missing mosque mother move moved neighbour none offers order outbid package pay phone
    photo pick picture plan plans please poll possibly power practice prefers production public
    quick rain ran recruiter ref rehearsal reminder reply ride road roasting room running safe
    scam-looking school sends ship shoot shop show sign someone stay stung swap teacher three ticket
    tickets tied train trip typo urgent vendor visit vote wait warning warns washing water wear
    weather wedding wrong
"""
OPENERS = frozenset(_OPENING.split())
"""Words that open a line without being a name; any other opening word must be in the thread."""
_ADDRESS = """
    allah aunt auntie aunty boss brother court dad dentist dios doc doctor dr eid english god
    grandma grandpa lord ma'am madam mama mom mubarak mum mummy papa professor reverend sir sister
    spanish uncle water
"""
ADDRESS = frozenset(_ADDRESS.split())
"""Words that a draft may call somebody or swear by unasked, and a line about the thread may not."""
_CALENDAR_WORDS = """
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed weds thu thur thurs
    fri sat sun january february march april may june july august september october november
    december jan feb mar apr jun jul aug sep sept oct nov dec am pm ok tv lol yes no sms
    id
"""
CALENDAR = frozenset(_CALENDAR_WORDS.split())
"""Days, months, and what is always written so."""
