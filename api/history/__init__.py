"""What was, and who made it so: logs, blame, files and projects at any revision, narrowed to what the viewer may see."""

from api.history.fields import BadField as BadField
from api.history.reader import Blame as Blame
from api.history.reader import FileAt as FileAt
from api.history.reader import History as History
from api.history.reader import Page as Page
from api.history.reader import Topic as Topic
from api.history.sight import Sight as Sight
