"""What type checkers and editors see of the package; `__init__.py` loads the same, lazily."""

from ris_tf.config import (
    Config as Config,
    ConfigError as ConfigError,
    dump_config as dump_config,
    load_config as load_config,
    override_config as override_config,
    parse_config as parse_config,
)
from ris_tf.covariance import (
    Covariance as Covariance,
    back_projection as back_projection,
    effective as effective,
    predicted_covariance as predicted_covariance,
    sample_covariance as sample_covariance,
    true_covariance as true_covariance,
)
from ris_tf.data.measured import (
    MeasurementError as MeasurementError,
    read_measurements as read_measurements,
)
from ris_tf.engine import GuardedTrainer as GuardedTrainer, warmup_cosine as warmup_cosine
from ris_tf.errors import UserError as UserError
from ris_tf.estimation.bound import Bound as Bound, cramer_rao_bound as cramer_rao_bound
from ris_tf.estimation.estimators import Estimators as Estimators
from ris_tf.localizer import (
    Localization as Localization,
    Localizer as Localizer,
    load_network as load_network,
)
from ris_tf.network import (
    BeamspaceNetwork as BeamspaceNetwork,
    Prediction as Prediction,
    ReferenceNetwork as ReferenceNetwork,
    build_network as build_network,
)
from ris_tf.objective import (
    compare as compare,
    projection_loss as projection_loss,
    raw_terms as raw_terms,
    weighted_sum as weighted_sum,
)
from ris_tf.runlog import (
    RunDirectory as RunDirectory,
    RunError as RunError,
    RunLog as RunLog,
    check_health as check_health,
    find_runs as find_runs,
    read_run_log as read_run_log,
    verdict_on as verdict_on,
)
from ris_tf.scene import (
    Measurement as Measurement,
    Panel as Panel,
    Scenes as Scenes,
    Simulator as Simulator,
    Sources as Sources,
    Split as Split,
    make_panel as make_panel,
    steering_vectors as steering_vectors,
)
from ris_tf.search import (
    SearchDirectory as SearchDirectory,
    Trial as Trial,
    best_trial as best_trial,
)
from ris_tf.spectrum import (
    music_spectrum as music_spectrum,
    mvdr_spectrum as mvdr_spectrum,
    scan_grid as scan_grid,
)
from ris_tf.training.train import train as train

__version__: str
