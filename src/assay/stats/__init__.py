"""What may be said of measured arms: paired differences, intervals, multiplicity, verdicts.

SciPy's parts are named in full where they are used (``scipy.special.ndtri``), which is when they are
imported: all of them take most of a second, and most commands need none. ``scipy.stats`` alone takes
half of that, and only the bootstrap needs it.
"""

from assay.stats.bootstrap import bca_interval as bca_interval
from assay.stats.crossed import Crossed as Crossed
from assay.stats.crossed import compare_crossed as compare_crossed
from assay.stats.factorial import FactorEffect as FactorEffect
from assay.stats.factorial import Factorial as Factorial
from assay.stats.factorial import factorial_effects as factorial_effects
from assay.stats.failures import FailureRate as FailureRate
from assay.stats.failures import FailureTest as FailureTest
from assay.stats.failures import Outperforming as Outperforming
from assay.stats.failures import compare_failures as compare_failures
from assay.stats.failures import failure_rate as failure_rate
from assay.stats.failures import never_seen_bound as never_seen_bound
from assay.stats.failures import outperforming as outperforming
from assay.stats.failures import proportion_interval as proportion_interval
from assay.stats.family import Family as Family
from assay.stats.family import Pair as Pair
from assay.stats.family import compare_arms as compare_arms
from assay.stats.family import declared_pairs as declared_pairs
from assay.stats.family import holm as holm
from assay.stats.forecast import MoreSeeds as MoreSeeds
from assay.stats.forecast import most_seeds as most_seeds
from assay.stats.looks import Look as Look
from assay.stats.looks import alpha_at as alpha_at
from assay.stats.looks import latest_look as latest_look
from assay.stats.looks import look_alpha as look_alpha
from assay.stats.looks import next_look as next_look
from assay.stats.mcnemar import McNemar as McNemar
from assay.stats.mcnemar import mcnemar_test as mcnemar_test
from assay.stats.means import Summary as Summary
from assay.stats.means import expected_maximum as expected_maximum
from assay.stats.means import summary as summary
from assay.stats.outliers import outlying_low as outlying_low
from assay.stats.paired import Comparison as Comparison
from assay.stats.paired import Note as Note
from assay.stats.paired import compare as compare
from assay.stats.paired import rope_probabilities as rope_probabilities
from assay.stats.placement import Published as Published
from assay.stats.placement import against_published as against_published
from assay.stats.placement import binomial_se as binomial_se
from assay.stats.placement import wilson as wilson
from assay.stats.power import difference_power as difference_power
from assay.stats.power import equivalence_power as equivalence_power
from assay.stats.power import minimum_detectable_difference as minimum_detectable_difference
from assay.stats.power import sd_upper_bound as sd_upper_bound
from assay.stats.power import seeds_for_equivalence as seeds_for_equivalence
from assay.stats.power import seeds_for_halfwidth as seeds_for_halfwidth
from assay.stats.power import seeds_needed as seeds_needed
from assay.stats.ratio import CostRatio as CostRatio
from assay.stats.ratio import cost_ratio as cost_ratio
from assay.stats.relations import ClaimVerdict as ClaimVerdict
from assay.stats.relations import RelationTest as RelationTest
from assay.stats.relations import check_relation as check_relation
from assay.stats.relations import conjunction as conjunction
from assay.stats.spread import SeedSpread as SeedSpread
from assay.stats.spread import seed_spread as seed_spread
from assay.stats.ttest import Interval as Interval
from assay.stats.verdict import Judgement as Judgement
from assay.stats.verdict import Verdict as Verdict
from assay.stats.verdict import verdict as verdict
